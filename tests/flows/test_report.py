"""The page of a round at the end of a flow: in its file, on MLflow, and linked from the flow run."""

from pathlib import Path

from prefect import flow
from prefect.artifacts import Artifact

from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import read_plan
from tasks.report import BEST_TEXTS, publish_best_texts, publish_report
from tests.support.ranked_runs import LABELS, run_of_texts


def test_the_page_is_written_logged_and_linked(tiny_round, orchestration):
    @flow
    def ends_so():
        return publish_report(tiny_round)

    page = Path(ends_so())
    assert page == tiny_round.work_path / "reports" / tiny_round.name / "report.html"
    said = Artifact.get(f"{tiny_round.name}-main-evaluation-report").data
    assert str(page) in said
    assert f"[On MLflow]({orchestration.rstrip('/')}/#/experiments/" in said


def test_without_mlflow_the_page_is_there_all_the_same(tiny_round, orchestration, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")

    @flow
    def ends_so():
        return publish_report(tiny_round)

    assert Path(ends_so()).is_file()
    assert "On MLflow" not in Artifact.get(f"{tiny_round.name}-main-evaluation-report").data


def test_the_best_texts_of_a_run_are_an_artifact_that_is_called_after_it(tiny_round, prefect_harness, tmp_path):
    run = run_of_texts(tmp_path)

    @flow
    def ends_so(folder):
        publish_best_texts(tiny_round, read_plan(folder), folder)

    ends_so(run.folder)
    said = Artifact.get(f"{tiny_round.name}-main-evaluation-best-texts").data
    assert [line for line in said.splitlines() if line.startswith("#")] == [f"### {label}" for label in LABELS]
    rows = [line for line in said.splitlines() if line.startswith("| ") and "rank" not in line]
    assert len(rows) == BEST_TEXTS * len(LABELS)
    assert "<" not in said.replace(r"\<", ""), "a mark that is not escaped is markup"
    assert f"`winnow top {run.folder.path} --page best.html`" in said


def test_best_texts_that_cannot_be_read_fail_no_flow(tiny_round, prefect_harness, tmp_path, caplog):
    run = run_of_texts(tmp_path)
    moved = RunFolder(run.folder.path.rename(run.folder.path.with_name("moved")))
    (moved.output_path("neutral", 1)).write_bytes(b"torn")

    @flow
    def ends_so():
        publish_best_texts(tiny_round, run.plan, moved)

    ends_so()
    assert f"the best texts of {moved.path} are not shown: " in caplog.text
    assert Artifact.get(f"{tiny_round.name}-moved-best-texts") is None

"""The page of a round at the end of a flow: in its file, on MLflow, and linked from the flow run."""

from pathlib import Path

from prefect import flow
from prefect.artifacts import Artifact

from tasks.report import publish_report


def test_the_page_is_written_logged_and_linked(tiny_round, orchestration):
    @flow
    def ends_so():
        return publish_report(tiny_round)

    page = Path(ends_so())
    assert page == tiny_round.work_path / "reports" / tiny_round.name / "report.html"
    said = Artifact.get(f"{tiny_round.name}-report").data
    assert str(page) in said
    assert f"[On MLflow]({orchestration.rstrip('/')}/#/experiments/" in said


def test_without_mlflow_the_page_is_there_all_the_same(tiny_round, orchestration, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")

    @flow
    def ends_so():
        return publish_report(tiny_round)

    assert Path(ends_so()).is_file()
    assert "On MLflow" not in Artifact.get(f"{tiny_round.name}-report").data

"""Records of runs, told to a real MLflow server: once, whatever was told of them before and by whom."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from mlflow.tracking import MlflowClient

from tasks.core.base.errors import TrackingAwayError, TrainingError
from tasks.core.base.naming.composed_names import tracking_record
from tasks.core.base.run_record import FINISHED, RunName, RunRecord, read_run_record, write_run_record
from tasks.records.reachable import answers, needs_server
from tasks.records.telling import open_parent, tell
from tasks.records.tracking import tracking_uri
from tests.support.ports import free_port

pytestmark = pytest.mark.usefixtures("tracking")
AT = 1_700_000_000_000
FIGURES = (("loss", 0.5, 1, AT), ("loss", 0.25, 2, AT + 1), ("ap", 0.75, 0, AT + 2))


@pytest.fixture
def record():
    experiment = f"x{uuid.uuid4().hex[:8]}"
    parent = RunName(experiment, "positive", {"winnow.kind": "study"}, {"country": "US"})
    run = RunName(experiment, "positive seed 1", {"winnow.kind": "seed"}, {"country": "US"})
    return RunRecord(
        *(run, parent, FINISHED, AT + 3, ""),
        parameters={"seed": "1"},
        figures=FIGURES,
        files=("a.txt",),
        started_milliseconds=AT - 60_000,
    )


@pytest.fixture
def path(tmp_path, record):
    (tmp_path / "a.txt").write_text("kept")
    path = tracking_record(tmp_path, "seed-1")
    write_run_record(path, record)
    return path


def runs(record):
    client = MlflowClient(tracking_uri())
    found = client.search_runs([client.get_experiment_by_name(record.run.experiment).experiment_id])
    return [run for run in found if run.data.tags["winnow.kind"] == "seed"]


def points(run_id, name):
    return sorted((one.step, one.value) for one in MlflowClient(tracking_uri()).get_metric_history(run_id, name))


def test_a_record_is_one_run_however_often_it_is_told(path, record):
    with ThreadPoolExecutor(3) as pool:
        assert len({run.run_id for run in pool.map(lambda _: tell(path), range(3))}) == 1
    (run,) = runs(record)
    assert (run.info.status, run.info.end_time) == (FINISHED, record.ended_milliseconds)
    assert run.info.start_time == record.started_milliseconds
    assert run.data.params == {"seed": "1"}
    assert points(run.info.run_id, "loss") == [(1, 0.5), (2, 0.25)]
    assert [file.path for file in MlflowClient(tracking_uri()).list_artifacts(run.info.run_id)] == ["a.txt"]
    assert read_run_record(path) == replace(record, told=run.info.run_id)


def test_a_record_of_an_earlier_release_is_no_run_that_ends_before_it_begins(path, record):
    write_run_record(path, replace(record, started_milliseconds=None))
    tell(path)
    (run,) = runs(record)
    assert run.info.start_time == run.info.end_time == record.ended_milliseconds


def test_a_run_that_was_opened_is_completed_and_others_left_running_are_ended(path, record):
    parent = open_parent(record.parent)
    lost, opened = (parent.create_child("positive seed 1", record.run.identity) for _ in range(2))
    opened.log_figures({"loss": 0.5}, step=1)
    write_run_record(path, replace(record, opened=opened.run_id))
    assert tell(path).run_id == opened.run_id
    assert {run.info.run_id: run.info.status for run in runs(record)} == {
        opened.run_id: "FINISHED",
        lost.run_id: "KILLED",
    }
    assert points(opened.run_id, "loss") == [(1, 0.5), (2, 0.25)]


def test_a_run_whose_opening_was_never_answered_is_taken(path, record):
    left = open_parent(record.parent).create_child("positive seed 1", record.run.identity)
    assert tell(path).run_id == left.run_id
    assert left.status == "FINISHED"


def test_a_run_that_the_server_lost_is_told_anew(path, record):
    first = tell(path)
    MlflowClient(tracking_uri()).delete_run(first.run_id)
    second = tell(path)
    assert second.run_id != first.run_id
    assert [run.info.run_id for run in runs(record)] == [second.run_id]


def test_a_record_whose_result_is_gone_is_not_told(path):
    (path.parent / "a.txt").unlink()
    with pytest.raises(TrainingError, match=r"cannot be told: a\.txt beside it are gone\. Run the flow again"):
        tell(path)


def test_a_server_that_is_away_is_named_with_what_is_kept(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    assert not answers()
    with (
        pytest.raises(TrackingAwayError, match=r"is away: it does not answer\. All is kept\."),
        needs_server("All is kept."),
    ):
        pytest.fail("the block ran without a server")


def test_an_error_of_another_kind_stays_what_it_is():
    with pytest.raises(FileNotFoundError), needs_server("All is kept."):
        raise FileNotFoundError

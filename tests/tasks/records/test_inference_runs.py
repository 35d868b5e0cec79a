"""What MLflow is to hear of an inference: a record a run folder, and no fault of it is the inference's."""

import pytest

from tasks.core.base.naming.composed_names import tracking_record
from tasks.core.base.naming.work_places import inferences_folder, tracking_records
from tasks.core.base.run_record import read_run_record
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.records.inference_runs import log_inference
from tasks.records.screening_runs import log_screening
from tests.support.ports import free_port

RUN_ID = "3f9a0c11d2e4"
LAUNCH = {"rows_scored": 97, "seconds": 2.0}
MANIFEST = {
    "run_id": RUN_ID,
    "engines": [{"label": "positive", "registered_model": "us.positive", "version": "1", "variants": {"int8": 1}}],
    "settings": {"sample_name": "new_samples", "sample_root": "/data/new"},
    "shards": 1,
    "counts": {"rows_in": 97, "rows_quarantined": 0, "rows_out": {"positive": 97}},
    "timings": {
        "finished_at": "2026-01-02T03:04:05+0000",
        "worker_seconds": 1.5,
        "core_hours": 0.1,
        "texts_per_worker_second": 60.0,
        "texts_per_second": 48.5,
        "last_launch": LAUNCH,
    },
}


@pytest.fixture
def round_(make_round, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    return read_round(make_round())


@pytest.fixture
def run_folder(tmp_path):
    return lambda run_name: RunFolder(tmp_path / f"iter_0-{run_name}-{RUN_ID}-new_samples")


def test_runs_that_score_the_same_under_two_names_are_two_runs(round_, run_folder):
    for run_name in ("main", "again"):
        assert not log_inference(round_, run_folder(run_name), MANIFEST)
    records = [read_run_record(path) for path in tracking_records(round_.work_path, round_.name)]
    assert sorted(record.parameters["run_name"] for record in records) == ["again", "main"]
    assert len({record.run.identity["winnow.run_folder"] for record in records}) == 2


def test_a_record_that_cannot_be_read_does_not_fail_the_inference(round_, run_folder):
    folder = run_folder("main")
    path = tracking_record(inferences_folder(round_.work_path, round_.name), folder.path.name)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    assert not log_inference(round_, folder, MANIFEST)
    assert path.read_text() == "{}"


def test_a_work_path_that_cannot_be_written_does_not_fail_the_inference(round_, run_folder):
    inferences_folder(round_.work_path, round_.name).parent.mkdir(parents=True)
    inferences_folder(round_.work_path, round_.name).write_text("in the way")
    assert not log_inference(round_, run_folder("main"), MANIFEST)


def test_a_screening_is_not_told_where_there_is_no_server_to_tell(round_, run_folder, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "MLFLOW_TRACKING_URI" in str(log_screening(round_, run_folder("main"), MANIFEST))

"""A real MLflow server that is killed under a flow, and comes back: one run each in the end, nothing done twice."""

import subprocess
import threading
import uuid
from contextlib import contextmanager

import pytest
from mlflow.tracking import MlflowClient

import tasks.training
from flows.conversion import conversion
from flows.training import training
from tasks.core.base.errors import TrackingAwayError
from tasks.core.base.naming.work_places import tracking_records
from tasks.core.base.run_record import read_run_record
from tasks.core.round.round_file import read_round
from tasks.records.registry import find_version
from tasks.records.tracking import tracking_uri
from tests.support.commands import BINARIES, assert_taught
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("prefect_harness")
EPOCHS = 40
TRAINING = {"seeds": [1, 2], "epochs": EPOCHS, "batch_size": 8, "max_length_tokens": 32, "bootstrap_resamples": 100}


SEARCH = {"strategy": "halving", "batch_sizes": [8, 16], "learning_rates": [1e-2]}


@pytest.fixture
def path(make_round, request):
    labels = {"positive": "positive", "negative": None}
    training = TRAINING | getattr(request, "param", {})
    return make_round(country=f"X{uuid.uuid4().hex[:8]}", labels=labels, training=training)


@pytest.fixture
def round_(path):
    return read_round(path)


def runs(round_):
    """Return kind, name and status of every run of the round."""
    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name(round_.name)
    found = client.search_runs([experiment.experiment_id])
    return sorted((run.data.tags["winnow.kind"], run.info.run_name.partition(",")[0], run.info.status) for run in found)


def made(round_):
    """Return which files hold what was trained and converted, each as itself: a file that was made again is another."""
    places = ("seeds/*/*/seed-*/*", "engines/*/*/*/*/*")
    files = [path for place in places for path in round_.work_path.glob(place) if path.is_file()]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def records(round_):
    return [read_run_record(path) for path in tracking_records(round_.work_path, round_.name)]


def whole_checkpoint(round_):
    return list(round_.work_path.glob("seeds/*/positive/.seed-*.training/*/winnow-whole"))


@contextmanager
def away(server, since, until):
    """Kill the server as soon as `since` holds, and start it again when `until` does; return what was made by then."""
    stood, ended = {}, threading.Event()

    def work():
        wait_for(since, "work was going on", alive=lambda: not ended.is_set(), pause_seconds=0.01)
        server.kill()
        wait_for(until, "work had gone on without a server", alive=lambda: not ended.is_set())
        server.start()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield stood
    finally:
        ended.set()
        worker.join()


def winnow(*words):
    return subprocess.run([BINARIES / "winnow", *words], capture_output=True, text=True, check=False)


@pytest.mark.drill
def test_a_server_killed_in_mid_training_is_told_when_it_is_back(stoppable, path, round_):
    trained = {}

    def all_trained():
        waiting = [record for record in records(round_) if record.told is None and record.files]
        trained.update(made(round_) if len(waiting) == 2 else {})
        return trained

    with away(stoppable, lambda: whole_checkpoint(round_), all_trained):
        training(str(path))
    assert runs(round_) == [
        ("seed", "positive seed 1", "FINISHED"),
        ("seed", "positive seed 2", "FINISHED"),
        ("study", "positive", "FINISHED"),
    ]
    assert trained.items() <= made(round_).items()
    assert all(record.told for record in records(round_))
    version = find_version(round_.registered_model("positive"), round_.checkpoint_alias)
    client = MlflowClient(tracking_uri())
    history = client.get_metric_history(version.run_id, "curve/validation_average_precision")
    assert len({point.step for point in history}) == len(history) == EPOCHS


@pytest.mark.parametrize("path", [{"epochs": 1}], indirect=True)
def test_without_a_server_training_ends_in_a_true_state_and_is_told_by_hand(stoppable, path, round_, monkeypatch):
    monkeypatch.setattr(tasks.training.register_study, "retries", 1)
    monkeypatch.setattr(tasks.training.register_study, "retry_delay_seconds", [0.1])
    stoppable.kill()
    with pytest.raises(TrackingAwayError, match=rf"are trained and kept .* winnow sync {round_.name}"):
        training(str(path))
    trained = made(round_)
    assert len(records(round_)) == 3
    said = winnow("sync", path)
    assert_taught(said, "is away")
    assert said.stdout.count("waits in") == 3

    stoppable.start()
    listed = winnow("sync", path, "--list")
    assert listed.stdout.count("waits in") == 3
    told = winnow("sync", path)
    assert told.returncode == 0, told.stderr
    assert f"prefect deployment run training/{round_.name}" in told.stdout
    seeds = [("seed", "positive seed 1", "FINISHED"), ("seed", "positive seed 2", "FINISHED")]
    assert runs(round_) == [*seeds, ("study", "positive", "FAILED")]
    assert "nothing waits" in winnow("sync", path).stdout

    training(str(path))
    assert runs(round_) == [*seeds, ("study", "positive", "FINISHED")]
    assert trained.items() <= made(round_).items()
    assert find_version(round_.registered_model("positive"), round_.checkpoint_alias)


@pytest.mark.drill
@pytest.mark.parametrize("path", [{"seeds": [1], "epochs": 20, "search": SEARCH}], indirect=True)
def test_a_server_killed_in_mid_search_is_told_of_each_trial_once(stoppable, path, round_):
    def is_searching():
        return list(round_.work_path.glob("seeds/*/positive/trials/.seed-*.training/*/winnow-whole"))

    def all_done():
        return [record for record in records(round_) if record.told is None and record.files]

    with away(stoppable, is_searching, all_done):
        training(str(path))
    assert [(kind, status) for kind, _, status in runs(round_)] == [
        ("seed", "FINISHED"),
        ("study", "FINISHED"),
        ("trial", "FINISHED"),
        ("trial", "FINISHED"),
    ]
    assert all(record.told for record in records(round_))
    client = MlflowClient(tracking_uri())
    study = find_version(round_.registered_model("positive"), round_.checkpoint_alias).tags["study_run_id"]
    assert {"search.json", "search.md", "selection.json"} <= {file.path for file in client.list_artifacts(study)}


@pytest.mark.drill
def test_a_server_killed_in_mid_conversion_is_told_when_it_is_back(stoppable, path, round_):
    training(str(path))
    converted = {}

    def is_converting():
        return list(round_.work_path.glob("engines/*/*/*"))

    def all_converted():
        waiting = [record for record in records(round_) if record.told is None]
        converted.update(made(round_) if waiting else {})
        return converted

    with away(stoppable, is_converting, all_converted):
        conversion(str(path))
    assert [run for run in runs(round_) if run[0] == "conversion"] == [
        ("conversion", "positive conversion", "FINISHED")
    ]
    assert converted.items() <= made(round_).items()
    assert any(path.name == "engine.json" for path in converted)
    before = find_version(round_.registered_model("positive"), round_.engine_alias)
    conversion(str(path))
    assert find_version(round_.registered_model("positive"), round_.engine_alias) == before
    assert len(runs(round_)) == 4

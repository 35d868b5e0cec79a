"""Seed runs against a real MLflow server."""

import uuid

import pytest
from mlflow.tracking import MlflowClient

from tasks.core.corpus.labelled import prepare_splits
from tasks.core.errors import RegistryError
from tasks.core.round_file import read_round
from tasks.core.training.seed_plan import plan_seeds
from tasks.tracking import failed_when_interrupted, finished_seed_run, open_study, seed_run, tracking_uri
from tasks.training import train_one_seed

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def round_(make_round):
    return read_round(make_round(country=f"X{uuid.uuid4().hex[:8]}"))


@pytest.fixture
def plan(round_):
    splits = prepare_splits(round_.labelled_data, "positive", "positive", round_.work_path / "splits")
    return plan_seeds(round_, splits)[0]


@pytest.fixture
def study(round_, plan):
    return open_study(round_, "positive", plan.study_hash)


def child_runs(study):
    runs = MlflowClient(study.tracking_uri).search_runs([study.experiment_id])
    return {run.info.run_id: run for run in runs if run.info.run_id != study.run_id}


def test_a_study_is_opened_once(round_, plan, study):
    assert open_study(round_, "positive", plan.study_hash) == study


def test_a_seed_is_one_finished_child_run_with_parameters_curves_and_figures(plan, study):
    result = train_one_seed.fn(plan, study)
    ((run_id, run),) = child_runs(study).items()
    assert finished_seed_run(plan, study) == run_id
    assert run.data.params["seed"] == "1"
    assert run.data.params["learning_rate"] == str(plan.training.learning_rate)
    assert run.data.tags["country"] == study.tags["country"]
    for name in ("test_average_precision", "test_f1", "test_precision", "test_recall", "validation_average_precision"):
        assert run.data.metrics[name] == result.metrics[name]
    history = MlflowClient(study.tracking_uri).get_metric_history(run_id, "epoch_validation_average_precision")
    assert [(point.step, point.value) for point in history] == [(1, result.epochs[0]["validation_average_precision"])]


def test_a_task_that_dask_runs_twice_makes_one_run(plan, study):
    assert train_one_seed.fn(plan, study) == train_one_seed.fn(plan, study)
    assert len(child_runs(study)) == 1


def test_a_run_that_a_killed_worker_left_running_is_ended(plan, study):
    client = MlflowClient(study.tracking_uri)
    with seed_run(plan, study) as lost:
        pass
    client.update_run(lost.run_id, status="RUNNING")
    train_one_seed.fn(plan, study)
    assert sorted(run.info.status for run in child_runs(study).values()) == ["FINISHED", "KILLED"]


def test_a_deleted_experiment_says_how_to_restore_it(round_, plan, study):
    MlflowClient(study.tracking_uri).delete_experiment(study.experiment_id)
    with pytest.raises(RegistryError, match=f"mlflow experiments restore -x {study.experiment_id}"):
        open_study(round_, "positive", plan.study_hash)


def test_without_a_server_the_error_says_how_to_start_one(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(RegistryError, match="make up"):
        tracking_uri()


def test_a_study_whose_training_fails_is_failed(study):
    def fail():
        with failed_when_interrupted([study]):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert MlflowClient(study.tracking_uri).get_run(study.run_id).info.status == "FAILED"

"""A study's runs against a real MLflow server."""

import dataclasses
import json
import uuid
from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts
from mlflow.tracking import MlflowClient

from tasks.core.base.errors import RegistryError
from tasks.core.base.run_record import waiting_records, write_run_record
from tasks.core.round.round_file import read_round
from tasks.core.training.search.trial import TrialStep
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.records.child_runs import finished_seed_run, seed_run
from tasks.records.seeds_page import round_pages
from tasks.records.study_runs import describe_data, end_study, failed_when_interrupted, name_study, open_study
from tasks.records.telling import tell
from tasks.records.tracking import tracking_uri
from tasks.search import train_trial
from tasks.training import Study, train_one_seed
from tests.support.studies import prepare_study

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def round_(make_round):
    return read_round(make_round(country=f"X{uuid.uuid4().hex[:8]}"))


@pytest.fixture
def plan(round_):
    return plan_seeds(round_, prepare_study(round_), round_.base_model)[0]


@pytest.fixture
def study(round_, plan):
    run = open_study(name_study(round_, plan), Path(plan.root))
    return Study("positive", plan.splits, [plan], run, round_.tags("positive"))


@pytest.fixture
def client():
    return MlflowClient(tracking_uri())


def child_runs(study):
    parent = study.run.known
    runs = MlflowClient(parent.tracking_uri).search_runs([parent.experiment_id])
    return {run.info.run_id: run for run in runs if run.info.run_id != parent.run_id}


def test_a_study_is_opened_once_and_names_its_data(round_, plan, study, client):
    assert open_study(study.run.name, Path(plan.root)) == study.run
    describe_data(study.run.known, round_, plan.splits)
    describe_data(study.run.known, round_, plan.splits)
    run = client.get_run(study.run.known.run_id)
    (named,) = run.inputs.dataset_inputs
    assert named.dataset.digest == plan.splits.digest == run.data.tags["winnow.data_digest"]
    assert json.loads(named.dataset.profile)["rows"] == plan.splits.rows
    path = download_artifacts(run_id=run.info.run_id, artifact_path="data_report.json", tracking_uri=tracking_uri())
    with open(path) as report:  # noqa: PTH123
        assert json.load(report)["digest"] == plan.splits.digest


def test_an_experiment_shows_a_studys_seeds_side_by_side_and_leads_there(round_, plan, study, client):
    describe_data(study.run.known, round_, plan.splits)
    tags = client.get_experiment(study.run.known.experiment_id).tags
    view = json.loads(json.loads(tags["mlflow.sharedViewState.seeds-positive"])["state"])
    charts = [chart["metricKey"] for chart in view["compareRunCharts"]]
    assert charts == [f"{split}/{name}" for name in ("average_precision", "f1") for split in ("validation", "test")]
    assert f"'{study.run.known.run_id}'" in view["searchFilter"]
    (page, *_) = round_pages(round_, with_seeds=True)
    assert page in tags["mlflow.note.content"].splitlines()[0]
    assert "viewStateShareKey=seeds-positive&compareRunsMode=CHART" in page


def test_a_study_that_has_ended_keeps_its_end_until_it_goes_on(plan, study, client):
    def info():
        return client.get_run(study.run.known.run_id).info

    end_study(study.run, study.run.known)
    ended = info().end_time
    end_study(open_study(study.run.name, Path(plan.root)), study.run.known)
    assert (info().status, info().end_time) == ("FINISHED", ended)
    study.run.reopen()
    assert info().status == "RUNNING"


def test_a_seed_is_one_finished_child_run_with_parameters_curves_and_figures(plan, study, client):
    result = train_one_seed.fn(plan, study)
    ((run_id, run),) = child_runs(study).items()
    assert finished_seed_run(plan, study.run.known).run_id == run_id
    assert run.data.params["seed"] == "1"
    assert run.data.params["learning_rate"] == str(plan.training.learning_rate)
    assert run.data.params["batch_size"] == str(plan.training.batch_size)
    assert run.data.tags["round"] == study.tags["round"]
    assert run.data.tags["winnow.data_digest"] == plan.splits.digest
    assert run.data.tags["winnow.version"]
    for split in ("validation", "test"):
        for name in (
            "average_precision", "roc_auc", "f1", "f1_best_threshold", "precision", "recall", "log_loss", "brier",
            "precision_at_20", "precision_at_50",
        ):  # fmt: skip
            assert run.data.metrics[f"{split}/{name}"] == result.metrics[f"{split}_{name}"]
    history = client.get_metric_history(run_id, "curve/validation_average_precision")
    expected = result.evaluations[0]["validation_average_precision"]
    assert [(point.step, point.value) for point in history] == [(5, expected)]
    names = {file.path for file in client.list_artifacts(run_id)}
    assert {"predictions.parquet", "test_predictions.txt"} <= names
    assert not any(name.startswith("system/") for name in run.data.metrics)


def test_a_seed_run_holds_the_use_of_the_machine_where_that_is_asked_for(plan, study, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    train_one_seed.fn(plan, study)
    (run,) = child_runs(study).values()
    assert run.data.metrics["system/system_memory_usage_megabytes"] > 0
    assert "system/cpu_utilization_percentage" in run.data.metrics


def test_a_task_that_dask_runs_twice_makes_one_run(plan, study):
    assert train_one_seed.fn(plan, study) == train_one_seed.fn(plan, study)
    assert len(child_runs(study)) == 1


def test_a_run_that_a_killed_worker_left_running_is_ended(plan, study, client):
    with seed_run(study.tags, plan, study.run.name, study.run.known) as lost:
        pass
    assert lost.known.status == "RUNNING"
    train_one_seed.fn(plan, study)
    assert sorted(run.info.status for run in child_runs(study).values()) == ["FINISHED", "KILLED"]


def test_a_trial_is_one_child_run_over_all_its_rungs(plan, study, client):
    plan = dataclasses.replace(plan, root=f"{plan.root}/trials")
    for step in (2, 5):
        train_trial.fn(TrialStep(plan, step), study)
    (run,) = child_runs(study).values()
    assert run.info.status == "FINISHED"
    assert run.data.tags["winnow.kind"] == "trial"
    for name, steps in (("rung/average_precision", [2, 5]), ("curve/train_loss", [2, 5]), ("validation/f1", [0])):
        assert [point.step for point in client.get_metric_history(run.info.run_id, name)] == steps
    assert finished_seed_run(plan, study.run.known) is None


def test_a_deleted_experiment_says_how_to_restore_it(round_, plan, study, client):
    client.delete_experiment(study.run.known.experiment_id)
    with pytest.raises(RegistryError, match=f"mlflow experiments restore -x {study.run.known.experiment_id}"):
        open_study(study.run.name, Path(plan.root))


def test_without_a_server_the_error_says_how_to_start_one(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(RegistryError, match="make up"):
        tracking_uri()


def test_a_study_whose_training_fails_is_failed(study, client):
    def fail():
        with failed_when_interrupted() as opened:
            opened.append(study.run)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert client.get_run(study.run.known.run_id).info.status == "FAILED"


def test_how_an_earlier_try_failed_is_told_before_the_next_one_and_not_of_it(plan, study, client):
    def tried():
        return seed_run(study.tags, plan, study.run.name, study.run.known)

    def fail():
        with tried() as first:
            write_run_record(first.path, dataclasses.replace(first.record("FAILED"), opened=None))
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    client.delete_run(next(iter(child_runs(study))))  # as of a server that was away then
    with tried() as second:
        for path, _ in waiting_records(iter([second.path]))[0]:
            tell(path)
        statuses = {run_id: run.info.status for run_id, run in child_runs(study).items()}
        assert statuses.pop(second.known.run_id) == "RUNNING"
        assert list(statuses.values()) == ["FAILED"]

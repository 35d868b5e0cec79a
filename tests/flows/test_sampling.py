"""Sampling under Prefect's test harness, on a LocalCluster: from stored scores to the next labelling batch."""

import json
import uuid
from dataclasses import replace

import numpy as np
import pytest
import yaml
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact

from deployments.deploy import deploy_round
from flows.sampling import sampling
from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.base.files import sha256_of_folder
from tasks.core.base.naming.file_names import CALIBRATION_FILE
from tasks.core.base.naming.work_places import models_folder
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.evaluation.calibration.calibrate import Calibration, write_calibration
from tasks.core.exchange.batch import list_batches, read_batch
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.open_run import open_run
from tasks.core.runs.plan import make_plan
from tasks.core.runs.plan_file import write_plan
from tasks.records.evaluation_runs import CALIBRATION_TAG
from tasks.records.registry import Registration, get_version, register_folder, set_version_tags
from tasks.records.tracking import create_run, ended_by_outcome, tracking_uri
from tests.support.plans import engine_uses
from tests.support.round_files import one_worker, write_round
from tests.support.scored_runs import ENGINE, write_shard

pytestmark = pytest.mark.usefixtures("orchestration")

SECTION = {
    "top": 100,
    "exploit_texts": 6,
    "explore": {"motifs": 1, "texts": 2, "random_texts": 300, "least_texts": 3},
    "adaptive_texts": 5,
    "uncertain_texts": 4,
    "random_texts": 5,
    "near_duplicate_similarity": 0.9,
}


@pytest.fixture(scope="module")
def scored(tmp_path_factory, orchestration):
    """A round file whose sample is scored by versions that the registry has; no engine is run for it."""
    folder = tmp_path_factory.mktemp("scored")
    path = write_round(
        folder,
        ENGINE,
        sample_rows=320,
        country=f"X{uuid.uuid4().hex[:8]}",
        sampling=SECTION,
        clusters=one_worker(),
    )
    round_ = read_round(path)
    uses = [
        (replace(use, registered_model=register(round_, use.label), version="1"), model)
        for use, model in engine_uses(dict.fromkeys(round_.active_labels, read_engine_model(ENGINE)))
    ]
    sample = round_.samples["evaluation"]
    plan = make_plan("evaluation", sample, list_sample(sample), uses, round_.inference, None)
    plan = replace(plan, round_name=round_.name)
    run = RunFolder(round_.inference.output_path / f"iter_0-main-{plan.run_id}-evaluation")
    write_plan(plan, run)
    for shard in plan.shards:
        write_shard(plan, run, shard, scores_of)
    write_manifest(plan, run, Launch(plan.rows, 1.0))
    return path


def register(round_, label):
    """Register a version that has a label, and return the model's name."""
    run = create_run(round_.name, label, {})
    with ended_by_outcome(run):
        name = round_.registered_model(label)
        register_folder(
            Registration(name, round_.engine_alias, ENGINE, run.run_id, "engine", {}), models_folder(round_.work_path)
        )
    return name


def scores_of(label, _, ids):
    """Return scores that follow from the ids, each label's in an order of its own."""
    order = np.array([int(id_) * (7 if label == "positive" else 11) % 331 for id_ in ids.to_pylist()])
    return (order + 0.5) / 331, None


def change(round_file, folder, **section):
    """Write the round again with changes to its section of sampling, and batches of its own."""
    content = yaml.safe_load(round_file.read_text())
    content |= {"sampling": SECTION | section, "work_path": str(folder / "work")}
    path = folder / round_file.name
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_batch_is_drawn_once_and_shown_and_recorded(scored):
    round_ = read_round(scored)
    sampling(str(scored))
    (folder,) = list_batches(round_)
    batch, before = read_batch(folder), sha256_of_folder(folder)
    assert {row["label"] for row in batch.draws.to_pylist()} == {"positive", "negative"}
    assert {"exploit", "random"} <= set(batch.draws["method"].to_pylist())
    rows = json.loads(Artifact.get(f"{round_.name}-main-evaluation-batch").data)
    assert len(rows) == len(batch.draws)
    assert list(rows[0]) == ["label", "why", "rank", "score", "text"]
    shown = json.loads(Artifact.get(f"{round_.name}-main-evaluation-batch-draws").data)
    assert [row["drawn"] for row in shown if row["why"] == "random text"] == ["5 of 5", "5 of 5"]
    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name(round_.name).experiment_id
    query = f"tags.`winnow.batch_id` = '{batch.about.batch_id}'"
    (run,) = client.search_runs([experiment], query)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["batch/texts"] == len(batch.texts)
    assert run.data.params["method"] == "exploit_explore"
    sampling(str(scored))
    assert list_batches(round_) == [folder]
    assert sha256_of_folder(folder) == before
    assert len(client.search_runs([experiment], query)) == 1


def test_a_second_batch_of_the_same_scores_sends_out_other_texts(scored, tmp_path):
    path = change(scored, tmp_path, method="adaptive")
    sampling(str(path))
    sampling(str(path), random_state=1)
    first, second = (read_batch(folder) for folder in list_batches(read_round(path)))
    assert not set(first.texts["tweet_id"].to_pylist()) & set(second.texts["tweet_id"].to_pylist())


def calibrate(round_, use, run_id, threshold, folder):
    """Leave a calibration on the version that scored a label, as the evaluation flow does."""
    model = {"label": use.label, "registered_model": use.registered_model, "version": use.version, "run_id": run_id}
    calibration = Calibration(
        model=model,
        method="platt",
        settings={},
        positives=20,
        negatives=20,
        log_odds=[-5.0, 5.0],
        probabilities=[0.1, 0.9],
        threshold=threshold,
        threshold_low=threshold,
        threshold_high=threshold,
    )
    write_calibration(folder / CALIBRATION_FILE, calibration)
    tracked = create_run(round_.name, "calibration", {})
    with ended_by_outcome(tracked):
        tracked.log_file(folder / CALIBRATION_FILE)
    where = f"runs:/{tracked.run_id}/{CALIBRATION_FILE}"
    set_version_tags(get_version(use.registered_model, use.version), {CALIBRATION_TAG: where})


def test_calibrated_uncertainty_draws_around_the_calibrated_threshold(scored, tmp_path):
    path = change(scored, tmp_path, method="uncertainty_calibrated", random_texts=0)
    round_ = read_round(path)
    with pytest.raises(InputDataError, match=rf"deployment run evaluation/{round_.name}"):
        sampling(str(path))
    (run,) = round_.inference.output_path.iterdir()
    plan, _ = open_run(run)
    thresholds = {"positive": 0.45, "negative": 0.55}
    for use in plan.engines:
        calibrate(round_, use, plan.run_id, thresholds[use.label], tmp_path / use.label)
    sampling(str(path))
    (folder,) = list_batches(round_)
    batch = read_batch(folder)
    assert batch.about.settings["thresholds"] == thresholds
    for row in batch.draws.to_pylist():
        assert ("above" in row["reason"]) == (row["score"] > thresholds[row["label"]])


def test_without_scores_the_flow_to_run_first_is_named(scored, tmp_path):
    content = yaml.safe_load(scored.read_text())
    content["inference"]["output_path"] = str(tmp_path / "none")
    path = tmp_path / scored.name
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(RunFolderError, match="prefect deployment run inference/"):
        sampling(str(path))


def test_every_round_has_the_deployment(scored):
    assert f"sampling/{read_round(scored).name}" in deploy_round(scored)

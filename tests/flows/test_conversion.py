"""Conversion under Prefect's test harness, on a LocalCluster: what stands when parts of it fail."""

import json
import uuid
from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact

from flows.conversion import conversion
from flows.training import training
from tasks.core.base.errors import ParityError
from tasks.core.base.files import sha256_of_folder
from tasks.core.round.round_file import read_round
from tasks.records.registry import find_version, set_version_tags
from tasks.records.tracking import tracking_uri
from tests.support.round_files import one_worker, write_round

pytestmark = pytest.mark.usefixtures("orchestration")


@pytest.fixture(scope="module")
def round_(tmp_path_factory, tiny_bert, orchestration):
    """A round whose checkpoints are selected, and nothing converted."""
    folder = tmp_path_factory.mktemp("converted")
    country = f"X{uuid.uuid4().hex[:8]}"
    path = write_round(folder, tiny_bert, sample_rows=400, country=country, clusters=one_worker())
    training(str(path))
    return read_round(path)


def convert(round_, **parameters):
    conversion(str(round_.work_path.parent / f"{round_.name}.yaml"), **parameters)


def engine(round_, label):
    return find_version(round_.registered_model(label), round_.engine_alias)


def conversions(round_):
    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name(round_.name)
    return client.search_runs([experiment.experiment_id], "tags.`winnow.kind` = 'conversion'")


def folders(round_):
    return sorted((round_.work_path / "engines" / round_.name).glob("*/*/*/engine.json"))


def test_a_label_that_fails_keeps_no_other_from_being_registered(round_):
    checkpoint = find_version(round_.registered_model("negative"), round_.checkpoint_alias)
    right = {"validation_average_precision": checkpoint.tags["validation_average_precision"]}
    set_version_tags(checkpoint, {"validation_average_precision": "0.123"})
    try:
        with pytest.raises(ParityError, match=r"has a validation AP of 0\.\d+ here, but 0\.1230 when it was trained"):
            convert(round_)
    finally:
        set_version_tags(find_version(checkpoint.name, round_.checkpoint_alias), right)
    assert engine(round_, "positive") is not None
    assert engine(round_, "negative") is None
    table = json.loads(Artifact.get(f"{round_.name}-positive-parity").data)
    assert table[0]["verdict"].startswith("serves")


def test_a_conversion_whose_registration_was_lost_is_registered_and_not_made_again(round_):
    convert(round_)
    made = {path: path.stat().st_mtime_ns for path in folders(round_)}
    digests = {label: engine(round_, label).digest for label in round_.active_labels}
    MlflowClient(tracking_uri()).delete_registered_model_alias(round_.registered_model("positive"), round_.engine_alias)
    before = engine(round_, "negative").version
    convert(round_)
    assert {path: path.stat().st_mtime_ns for path in folders(round_)} == made
    assert {label: engine(round_, label).digest for label in round_.active_labels} == digests
    assert engine(round_, "negative").version == before
    (run,) = [found for found in conversions(round_) if found.info.run_id == engine(round_, "positive").run_id]
    assert run.data.metrics["speed/over_fp32"] == 1
    assert run.data.metrics.keys() >= {"ranking/displacement", "cost/file_mebibytes"}
    assert len(run.data.metrics) < 15
    assert run.data.params["gate"] == "strict"
    assert run.info.end_time > run.info.start_time
    table = download_artifacts(
        run_id=run.info.run_id, artifact_path="parity_positive.json", tracking_uri=tracking_uri()
    )
    assert json.loads(Path(table).read_text())["columns"][:3] == ["variant", "serves", "verdict"]
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [{"path": "parity_positive.json", "type": "table"}]


def test_a_damaged_conversion_is_made_again_and_remake_makes_all_again(round_):
    convert(round_)
    positive = next(path for path in folders(round_) if path.parent.name == "positive")
    before = sha256_of_folder(positive.parent)
    (positive.parent / "model.onnx").write_bytes(b"torn")
    made = {path: path.stat().st_mtime_ns for path in folders(round_)}
    MlflowClient(tracking_uri()).delete_registered_model_alias(round_.registered_model("positive"), round_.engine_alias)
    convert(round_)
    assert sha256_of_folder(positive.parent)["model.onnx"] == before["model.onnx"]
    convert(round_, remake=True)
    assert all(path.stat().st_mtime_ns > made[path] for path in folders(round_))


def test_a_seed_whose_folder_is_gone_changes_no_conversion_and_is_named(round_):
    convert(round_)
    versions = {label: engine(round_, label).version for label in round_.active_labels}
    seeds = {label: int(engine(round_, label).tags["seed"]) for label in round_.active_labels}
    for label, seed in seeds.items():
        (other,) = [
            path
            for path in (round_.work_path / "seeds" / round_.name / label).glob("seed-*")
            if not path.name.startswith(f"seed-{seed}-")
        ]
        other.rename(Path(f"{other}.gone"))
    convert(round_)
    assert {label: engine(round_, label).version for label in round_.active_labels} == versions

"""Distillation under Prefect's test harness, on a LocalCluster: from a round's seeds to a student that is converted."""

import json
import logging
import uuid

import pytest
import yaml
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client

from deployments.deploy import deploy_round
from flows.conversion import conversion
from flows.distillation import distillation
from flows.inference import inference
from flows.training import training
from tasks import distillation as distillation_tasks
from tasks import story
from tasks.core.base.errors import RegistryError, RoundFileError, TrainingError
from tasks.core.base.files import sha256_of_folder
from tasks.core.round.round_file import read_round
from tasks.core.runs.audit.verify import Verification
from tasks.inference import fetch_student
from tasks.records.registry import find_version
from tasks.records.tracking import tracking_uri
from tests.support.round_files import one_worker, write_round, write_sample
from tests.support.screened_runs import EASY
from tests.support.studies import prepare_study

pytestmark = pytest.mark.usefixtures("orchestration")

SECTION = {
    "one_student": True,
    "texts": 150,
    "heldout_texts": 120,
    "tops": [0.05],
    "learning_rate": 5e-3,
    "student": {"layers": [0]},
}


@pytest.fixture(scope="module")
def taught(tmp_path_factory, tiny_bert, orchestration):
    """A round file whose seeds have taught a student of both labels."""
    folder = tmp_path_factory.mktemp("taught")
    path = write_round(
        folder,
        tiny_bert,
        sample_rows=320,
        country=f"X{uuid.uuid4().hex[:8]}",
        distillation=SECTION,
        clusters=one_worker(),
    )
    training(str(path))
    distillation(str(path))
    return path


def rows_of(round_, artifact):
    return json.loads(Artifact.get(f"{round_.name}-{artifact}").data)


def test_the_student_is_registered_with_what_it_is_worth(taught):
    round_ = read_round(taught)
    version = find_version(f"{round_.country.lower()}.student", "iter0")
    assert version.tags["kind"] == "student"
    assert version.tags["experts"] == "2,2"
    assert version.tags["head"] == "multi_label"
    run = MlflowClient(tracking_uri()).get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert 0.05 <= run.data.metrics["screen/passes_top_5_per_cent.positive"] <= 1
    assert run.data.params["train_rows"] == "150"
    models = [row["Models"] for row in rows_of(round_, "students") if row["label"] == "positive"]
    assert models == ["Random", "TF-IDF + logistic regression", "2 experts", "mean probability of 2 experts", "student"]
    screens = rows_of(round_, "screens")
    found = [(row["label"], row["registered"]) for row in screens]
    assert found == [("negative", "version 1"), ("positive", "version 1")]


def test_each_seed_has_scored_the_sample_in_a_run_folder_that_balances(taught):
    folders = sorted(path.name.split("-")[1] for path in read_round(taught).inference.output_path.iterdir())
    assert folders == ["seed_1", "seed_2"]
    for path in read_round(taught).inference.output_path.iterdir():
        manifest = json.loads((path / "manifest.json").read_text())
        assert manifest["counts"]["rows_out"] == {"positive": 320, "negative": 320}
        assert {use["version"] for use in manifest["engines"]} == {path.name.split("-")[1].replace("_", " ")}


def test_what_is_taught_is_not_taught_again(taught):
    round_ = read_round(taught)
    version = find_version(f"{round_.country.lower()}.student", "iter0")
    before = sha256_of_folder(round_.work_path / "seeds")
    runs = {path: path.stat().st_mtime_ns for path in round_.inference.output_path.glob("*/manifest.json")}
    distillation(str(taught))
    assert find_version(f"{round_.country.lower()}.student", "iter0") == version
    assert sha256_of_folder(round_.work_path / "seeds") == before
    assert {path: path.stat().st_mtime_ns for path in runs} == runs


def test_the_student_is_converted_through_the_same_gate_a_label_each(taught):
    conversion(str(taught), students=True)
    round_ = read_round(taught)
    country = round_.country.lower()
    for label in ("positive", "negative"):
        engine = find_version(f"{country}.student.{label}", "iter0-onnx")
        assert engine.tags["kind"] == "engine"
        assert engine.tags["source_version"] == find_version(f"{country}.student", "iter0").version
        assert rows_of(round_, f"student-{label}-parity")
        assert find_version(f"{country}.{label}", "iter0-onnx") is None


def test_the_student_screens_for_the_experts(taught, tmp_path):
    conversion(str(taught))
    conversion(str(taught), students=True)
    content = yaml.safe_load(taught.read_text())
    screening = {"screening": EASY | {"student": True}, "shard_rows": 600}
    settings = content["inference"] | screening | {"output_path": str(tmp_path / "runs")}
    pool = {"path": str(write_sample(tmp_path / "pool", 2_500))}
    path = change(taught, tmp_path, inference=settings, samples=content["samples"] | {"pool": pool})
    inference(str(path), sample="pool")
    (folder,) = (tmp_path / "runs").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    country = read_round(path).country.lower()
    students = [use["registered_model"] for use in manifest["settings"]["screening"]["students"]]
    assert students == [f"{country}.student.{label}" for label in read_round(path).active_labels]
    for said in manifest["screening"]["labels"].values():
        assert sum(said["stages"].values()) == 2_500 - manifest["counts"]["rows_quarantined"]
    assert [str(finding) for finding in Verification(folder).findings()] == []


def change(round_file, folder, **changes):
    content = yaml.safe_load(round_file.read_text()) | changes
    path = folder / f"{content['country'].lower()}-{content['iteration']}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_student_that_is_larger_than_its_experts_is_warned_of(taught, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(story, "get_run_logger", lambda: logging.getLogger("distillation"))
    wide = {"start": "configuration", "configuration": {"hidden_size": 64, "num_hidden_layers": 3}}
    for student, warned in ((wide, 1), (SECTION["student"], 0)):
        caplog.clear()
        round_ = read_round(change(taught, tmp_path, distillation=SECTION | {"student": student}))
        studies = [prepare_study(round_, label) for label in round_.active_labels]
        distillation_tasks.plan_students.fn(round_, studies, sorted(round_.inference.output_path.iterdir()))
        assert sum("more than an expert's" in line for line in caplog.messages) == warned


def test_what_is_missing_names_the_flow_or_section_to_come_first(taught, tmp_path):
    with pytest.raises(RoundFileError, match="has no section `distillation`"):
        distillation(str(change(taught, tmp_path, distillation=None)))
    later = change(taught, tmp_path, iteration="iter1", work_path=str(tmp_path / "work"))
    with pytest.raises(TrainingError, match="prefect deployment run training/"):
        distillation(str(later))
    with pytest.raises(RegistryError, match="prefect deployment run distillation/"):
        conversion(str(later), students=True)
    with pytest.raises(RegistryError, match=r"distillation/.* and then conversion/.* -p students=true"):
        fetch_student.fn(read_round(later), "positive")


def test_a_round_with_the_section_has_its_deployment(taught, tmp_path):
    names = deploy_round(taught)
    round_ = read_round(taught)
    assert f"distillation/{round_.name}" in names
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"distillation/{round_.name}")
    assert found.parameters == {"round_file": str(taught)}
    without = change(taught, tmp_path, iteration="iter2", distillation=None)
    assert not any(name.startswith("distillation/") for name in deploy_round(without))

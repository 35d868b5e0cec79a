"""Pretraining under Prefect's test harness, on a LocalCluster, with a small BERT and a real MLflow server."""

import json
import uuid

import pytest
import yaml
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from deployments.deploy import deploy_round
from flows.pretraining import pretraining
from tasks.core.base.errors import RegistryError, RoundFileError
from tasks.core.base.files import sha256_of_folder
from tasks.core.round.round_file import read_round
from tasks.core.training.base_models.base_folder import base_model_digest
from tasks.records.base_model_versions import local_base_model
from tasks.records.registry import find_version
from tasks.records.tracking import tracking_uri
from tests.support.round_files import one_worker, write_round

pytestmark = pytest.mark.usefixtures("orchestration")

SETTINGS = {"heldout_texts": 40, "batch_size": 16, "learning_rate": 5.0e-3, "block_length_tokens": 32}


def new_country():
    return f"X{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory, tiny_bert, orchestration):
    """A round file whose base model is registered."""
    section = SETTINGS | {"base_model": str(tiny_bert)}
    folder = tmp_path_factory.mktemp("pretrained")
    path = write_round(folder, tiny_bert, country=new_country(), pretraining=section, clusters=one_worker())
    pretraining(str(path))
    return path


def change(round_file, folder, **changes):
    """Write a copy of a round file with other top-level keys."""
    content = yaml.safe_load(round_file.read_text()) | changes
    path = folder / f"{content['country'].lower()}-{content['iteration']}.yaml"
    path.write_text(yaml.safe_dump(content))
    return read_round(path)


def test_the_base_model_is_registered_under_the_rounds_alias_with_its_figures(pretrained, tiny_bert):
    round_ = read_round(pretrained)
    version = find_version(f"{round_.country.lower()}.base", "iter0")
    assert version.tags["kind"] == "base_model"
    assert version.tags["source_base_model"] == str(tiny_bert)
    assert float(version.tags["perplexity_after"]) < float(version.tags["perplexity_before"])
    run = MlflowClient(tracking_uri()).get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["heldout/perplexity_before"] == float(version.tags["perplexity_before"])
    assert run.data.params["heldout_texts"] == "40"
    curve = MlflowClient(tracking_uri()).get_metric_history(version.run_id, "heldout/perplexity")
    assert curve[0].step == 0
    assert curve[0].value == run.data.metrics["heldout/perplexity_before"]
    assert curve[-1].value == run.data.metrics["heldout/perplexity_after"]
    assert curve[-1].step == int(run.data.params["steps"])
    told = {row["of the base model"]: row["is"] for row in json.loads(Artifact.get(f"{round_.name}-pretraining").data)}
    assert told["model"].startswith(f"{version.name} version ")
    assert told["perplexity after"] == version.tags["perplexity_after"]


def test_what_is_registered_is_not_made_again(pretrained):
    round_ = read_round(pretrained)
    version = find_version(round_.base_model_registration, "iter0")
    before = sha256_of_folder(round_.work_path / "pretraining")
    pretraining(str(pretrained))
    assert find_version(round_.base_model_registration, "iter0") == version
    assert sha256_of_folder(round_.work_path / "pretraining") == before


def test_a_round_can_train_from_the_registered_base_model(pretrained, tmp_path):
    name = read_round(pretrained).base_model_registration
    later = change(pretrained, tmp_path, iteration="iter1", base_model=f"models:/{name}@iter0")
    folder = local_base_model(later)
    assert folder.startswith(str(later.work_path / "models"))
    assert base_model_digest(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True, num_labels=2)
    encoded = AutoTokenizer.from_pretrained(folder)("good word7", return_tensors="pt")
    model(**encoded, labels=encoded["input_ids"].new_tensor([1])).loss.backward()
    assert local_base_model(read_round(pretrained)) == read_round(pretrained).base_model


def test_a_later_round_can_go_on_from_it_but_not_from_its_own(pretrained, tmp_path):
    name = read_round(pretrained).base_model_registration
    section = SETTINGS | {"base_model": f"models:/{name}@iter0"}
    change(pretrained, tmp_path, pretraining=section)
    with pytest.raises(RoundFileError, match="which this very round makes"):
        pretraining(str(tmp_path / pretrained.name))
    later = change(pretrained, tmp_path, iteration="iter1", pretraining=section)
    pretraining(str(tmp_path / f"{later.name}.yaml"))
    assert find_version(name, "iter1").tags["head"] == "kept"
    assert find_version(name, "iter0").tags["head"] == "new"


def test_a_missing_or_foreign_base_model_names_the_flow_to_run(pretrained, tmp_path):
    round_ = read_round(pretrained)
    name, country = round_.base_model_registration, round_.country.lower()
    with pytest.raises(RegistryError, match=f"prefect deployment run pretraining/{country}"):
        local_base_model(change(pretrained, tmp_path, base_model=f"models:/{name}@iter9"))
    with pytest.raises(RegistryError, match=r"is named models:/<country>\.base@<alias>"):
        local_base_model(change(pretrained, tmp_path, base_model=f"models:/{country}.positive@iter0"))
    version = find_version(name, "iter0")
    client = MlflowClient(tracking_uri())
    client.set_model_version_tag(version.name, version.version, "kind", "checkpoint")
    try:
        with pytest.raises(RegistryError, match="of kind 'checkpoint', not base_model"):
            local_base_model(change(pretrained, tmp_path, base_model=f"models:/{name}@iter0"))
    finally:
        client.set_model_version_tag(version.name, version.version, "kind", "base_model")


def test_a_round_without_the_section_is_refused(make_round):
    path = make_round(country=new_country())
    with pytest.raises(RoundFileError, match="has no section `pretraining`"):
        pretraining(str(path))


def test_a_round_with_the_section_gets_a_deployment_named_after_its_country(pretrained, make_round):
    round_ = read_round(pretrained)
    assert f"pretraining/{round_.country.lower()}" in deploy_round(pretrained)
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(f"pretraining/{round_.country.lower()}")
    assert deployment.entrypoint == "flows.pretraining.pretraining"
    assert deployment.parameters == {"round_file": str(pretrained)}
    other = deploy_round(make_round(country=new_country()))
    assert not any(name.startswith("pretraining/") for name in other)

"""The registry against a real MLflow server."""

import uuid

import pytest
from mlflow.tracking import MlflowClient

from tasks.core.base.errors import ModelFolderError, RegistryError
from tasks.records.registry import Registration, fetch_folder, find_version, register_folder, resolve
from tasks.records.tracking import tracking_uri

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def registered(tmp_path):
    """A registered folder with one file; returns the version and where local copies lie."""
    client = MlflowClient(tracking_uri())
    name = f"x.{uuid.uuid4().hex[:8]}"
    run = client.create_run(client.create_experiment(name))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_text("weights")
    registration = Registration(name, "iter0-onnx", folder, run.info.run_id, "engine", {"label": "positive"})
    return register_folder(registration, tmp_path / "copies"), tmp_path / "copies"


def test_a_version_that_a_killed_registration_left_without_alias_is_taken_by_the_next(tmp_path, monkeypatch):
    client = MlflowClient(tracking_uri())
    name = f"x.{uuid.uuid4().hex[:8]}"
    experiment = client.create_experiment(name)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_text("weights")

    def register(seed):
        run = client.create_run(experiment).info.run_id
        registration = Registration(name, "iter0-onnx", tmp_path / "model", run, "engine", {"seed": seed})
        return register_folder(registration, tmp_path / "copies").version

    with monkeypatch.context() as killed:
        killed.setattr(MlflowClient, "set_registered_model_alias", end_here)
        for seed in ("1", "2"):
            with pytest.raises(KeyboardInterrupt):
                register(seed)
    assert [register(seed) for seed in ("2", "1", "1")] == ["2", "1", "3"]
    assert find_version(name, "iter0-onnx").version == "3"


def end_here(*_):
    raise KeyboardInterrupt


def test_an_alias_resolves_to_the_version_with_its_tags(registered):
    version, _ = registered
    assert resolve(version.name, "iter0-onnx", "positive", "conversion/us-iter0") == version
    assert version.tags["label"] == "positive"


@pytest.mark.parametrize("name", [None, "x.no_such_model"])
def test_a_missing_alias_or_model_names_the_flow_to_run(registered, name):
    version, _ = registered
    assert find_version(name or version.name, "iter9-onnx") is None
    with pytest.raises(RegistryError, match=r"label 'positive' .* Run: prefect deployment run conversion/us-iter9"):
        resolve(name or version.name, "iter9-onnx", "positive", "conversion/us-iter9")


def test_a_copy_is_made_once_and_a_damaged_one_is_fetched_again(registered):
    version, copies = registered
    folder = fetch_folder(version, copies)
    stamp = (folder / "model.onnx").stat().st_mtime_ns
    assert (fetch_folder(version, copies) / "model.onnx").stat().st_mtime_ns == stamp
    (folder / "model.onnx").write_text("other weights")
    assert (fetch_folder(version, copies) / "model.onnx").read_text() == "weights"
    (folder / "extra").write_text("foreign")
    assert [path.name for path in fetch_folder(version, copies).iterdir()] == ["model.onnx"]


def test_files_changed_in_the_artifact_store_are_refused(registered, tmp_path):
    version, _ = registered
    client = MlflowClient(tracking_uri())
    (tmp_path / "model.onnx").write_text("replaced")
    client.log_artifact(version.run_id, str(tmp_path / "model.onnx"), "engine")
    with pytest.raises(ModelFolderError, match="the artifact store was changed"):
        fetch_folder(version, tmp_path / "other-copies")


def test_a_version_that_somebody_else_registered_is_refused(registered, tmp_path):
    version, copies = registered
    client = MlflowClient(tracking_uri())
    source = client.get_model_version(version.name, version.version).source
    foreign = client.create_model_version(version.name, source, run_id=version.run_id)
    client.set_registered_model_alias(version.name, "iter1-onnx", foreign.version)
    found = find_version(version.name, "iter1-onnx")
    with pytest.raises(RegistryError, match="was not registered by Winnow"):
        fetch_folder(found, copies)

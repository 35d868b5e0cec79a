"""The registry against a real MLflow server."""

import json
import subprocess
import sys
import time
import uuid
from dataclasses import replace

import psutil
import pytest
from mlflow.tracking import MlflowClient

from tasks.core.base.errors import ModelFolderError, RegistryError
from tasks.core.base.files import sha256_of_folder
from tasks.core.base.processes import process_of, this_process
from tasks.records import registry
from tasks.records.checkpoint_versions import upload_checkpoint
from tasks.records.registry import (
    Registration,
    fetch_folder,
    find_own_version,
    find_version,
    register_folder,
    register_version,
    resolve,
    upload_files,
)
from tasks.records.tracking import tracking_uri
from tasks.records.unfinished import UNFINISHED_TAG, is_left
from tests.support.tiny import save_tiny_checkpoint

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


def test_a_checkpoint_that_is_registered_again_leaves_the_files_of_an_earlier_release(tiny_bert, tmp_path):
    client, name = MlflowClient(tracking_uri()), f"x.{uuid.uuid4().hex[:8]}"
    run = client.create_run(client.create_experiment(name)).info.run_id
    checkpoint = save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", ("positive",), 0)
    files = sha256_of_folder(checkpoint)
    earlier = upload_files(checkpoint, files, run, "checkpoint")
    first = register_version(name, "iter0", earlier, {}, tmp_path / "copies")
    second = register_version(name, "iter0", upload_checkpoint(checkpoint, files, run), {}, tmp_path / "copies")
    assert sha256_of_folder(fetch_folder(first, tmp_path / "elsewhere")) == files
    assert (fetch_folder(second, tmp_path / "elsewhere") / "MLmodel").is_file()


def test_a_version_that_somebody_else_registered_is_refused(registered, tmp_path):
    version, copies = registered
    client = MlflowClient(tracking_uri())
    source = client.get_model_version(version.name, version.version).source
    foreign = client.create_model_version(version.name, source, run_id=version.run_id)
    client.set_registered_model_alias(version.name, "iter1-onnx", foreign.version)
    found = find_version(version.name, "iter1-onnx")
    with pytest.raises(RegistryError, match="was not registered by Winnow"):
        fetch_folder(found, copies)


DIE_BEFORE = """
import os, sys
from pathlib import Path
from mlflow.tracking import MlflowClient
from tasks.records.registry import Registration, register_folder
step, name, run_id, folder, copies = sys.argv[1:]
setattr(MlflowClient, step, lambda *_: os.kill(os.getpid(), 9))
register_folder(Registration(name, "iter0-onnx", Path(folder), run_id, "engine", {}), Path(copies))
"""


def killed_before(step, version, tmp_path):
    """Register other files under the same alias in a process that is killed before a step; return their version."""
    folder = tmp_path / "model"
    (folder / "model.onnx").write_text(f"weights of one killed before {step}")
    command = [sys.executable, "-c", DIE_BEFORE, step, version.name, version.run_id, folder, tmp_path / "copies"]
    assert subprocess.run([str(word) for word in command], check=False).returncode == -9
    return max(versions_of(version), key=int)


def versions_of(version):
    found = MlflowClient(tracking_uri()).search_model_versions(f"name = '{version.name}'")
    return {str(one.version): one.tags for one in found}


def register_again(version, tmp_path, alias="iter0-onnx"):
    folder = tmp_path / "model"
    (folder / "model.onnx").write_text(uuid.uuid4().hex)
    return register_folder(Registration(version.name, alias, folder, version.run_id, "engine", {}), tmp_path / "copies")


@pytest.mark.parametrize("by", ["registering", "looking"])
def test_a_version_that_was_killed_before_its_alias_was_set_goes_and_earlier_ones_stay(registered, tmp_path, by):
    first, copies = registered
    second = register_again(first, tmp_path)
    left = killed_before("set_registered_model_alias", first, tmp_path)
    assert set(versions_of(first)) == {first.version, second.version, left}
    assert len(list((copies / first.name).iterdir())) == 3
    if by == "registering":
        kept = {first.version, second.version, register_again(first, tmp_path).version}
    else:
        assert find_own_version(first.name, "iter0-onnx", copies) == second
        kept = {first.version, second.version}
    assert set(versions_of(first)) == kept
    assert {path.name.partition("-")[0] for path in (copies / first.name).iterdir()} == kept
    assert not [tags for tags in versions_of(first).values() if UNFINISHED_TAG in tags]


def test_one_killed_after_its_alias_was_set_is_whole_and_stays_when_another_gets_the_alias(registered, tmp_path):
    first, copies = registered
    served = killed_before("delete_model_version_tag", first, tmp_path)
    assert UNFINISHED_TAG in versions_of(first)[served]
    assert find_version(first.name, "iter0-onnx").version == served
    third = register_again(first, tmp_path)
    assert find_own_version(first.name, "iter0-onnx", copies) == third
    assert set(versions_of(first)) == {first.version, served, third.version}
    assert UNFINISHED_TAG not in versions_of(first)[served]


def test_one_whose_alias_is_set_just_before_its_maker_is_gone_stays(registered, tmp_path, monkeypatch):
    first, copies = registered
    served = killed_before("set_registered_model_alias", first, tmp_path)

    def is_left_now(*_):
        MlflowClient(tracking_uri()).set_registered_model_alias(first.name, "iter0-onnx", served)
        return True

    monkeypatch.setattr(registry, "is_left", is_left_now)
    find_own_version(first.name, "iter0-onnx", copies)
    assert set(versions_of(first)) == {first.version, served}


def test_versions_that_a_living_process_or_somebody_else_registers_stay(registered, tmp_path):
    first, _ = registered
    client, parent = MlflowClient(tracking_uri()), psutil.Process().parent()
    source = client.get_model_version(first.name, first.version).source
    alive = {UNFINISHED_TAG: json.dumps(process_of(parent.pid).as_json())}
    stay = [
        client.create_model_version(first.name, source, run_id=first.run_id, tags=tags).version
        for tags in (alive, {"own": "tag"})
    ]
    fourth = register_again(first, tmp_path)
    assert set(versions_of(first)) == {first.version, *map(str, stay), fourth.version}


def test_a_registration_that_failed_leaves_nothing_when_it_is_tried_again(registered, tmp_path, monkeypatch):
    first, _ = registered
    with monkeypatch.context() as patch:
        patch.setattr(registry, "fetch_folder", lambda *_: (_ for _ in ()).throw(ModelFolderError("torn")))
        with pytest.raises(ModelFolderError, match="torn"):
            register_again(first, tmp_path)
    assert len(versions_of(first)) == 2
    third = register_again(first, tmp_path)
    assert set(versions_of(first)) == {first.version, third.version}


@pytest.mark.parametrize(("days", "left"), [(6, False), (8, True)])
@pytest.mark.parametrize("mark", ["of another host", "no JSON", "[]"])
def test_one_whose_maker_cannot_be_seen_goes_after_days(mark, days, left):
    if mark == "of another host":
        mark = json.dumps(replace(this_process(), host="node-7.cluster.example").as_json())
    assert is_left(mark, time.time() - days * 24 * 3600) is left

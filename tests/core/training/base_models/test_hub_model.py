"""Base models of a hub: fetched once at a commit, refused by name, and never asked for again."""

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants, snapshot_download
from safetensors.torch import load_file, save_file

from tasks.core.base.errors import ModelFolderError
from tasks.core.training.base_models import hub_model
from tasks.core.training.base_models.base_folder import base_model_digest
from tasks.core.training.base_models.hub_model import find_on_hub, local_folder, source_of
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.train_seed import train_seed
from tests.support.base_folders import altered, pickled
from tests.support.hub_server import Repository, serve_hub
from tests.support.ports import free_port
from tests.support.studies import prepare_study
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

NAME = "org/tiny"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with serve_hub() as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        served.repositories[NAME] = Repository()
        hub_model._notice_move.cache_clear()
        yield served


@pytest.fixture
def repository(hub, tiny_bert):
    hub.repositories[NAME].push(tiny_bert)
    return hub.repositories[NAME]


def other_weights(folder):
    path = folder / "model.safetensors"
    save_file({name: value + 0.1 for name, value in load_file(path).items()}, path, metadata={"format": "pt"})


def test_a_model_is_fetched_with_its_commit_and_is_a_folder_from_then_on(hub, repository, tiny_bert, tmp_path):
    folder = local_folder(NAME, tmp_path)
    commit = repository.references["main"]
    assert base_model_digest(folder) == base_model_digest(str(tiny_bert))
    assert source_of(folder) == f"{NAME}@{commit}"
    assert source_of(str(tiny_bert)) == str(tiny_bert)
    beside = altered(tiny_bert, tmp_path / "beside" / "base", lambda _: None)
    beside.with_name("base.json").write_text('{"kind": "none of ours"}')
    assert source_of(str(beside)) == str(beside)
    shutil.rmtree(beside.parent)
    assert local_folder(f"{NAME}@{commit}", tmp_path) != folder
    assert names(tmp_path) == {
        f"org--tiny@{commit}",
        f"org--tiny@{commit}.json",
        "org--tiny@main",
        "org--tiny@main.json",
    }


def test_code_and_pickles_beside_the_weights_are_not_fetched(hub, repository, tiny_bert, tmp_path):
    def add(folder):
        (folder / "modeling_own.py").write_text("raise SystemExit")
        (folder / "pytorch_model.bin").write_bytes(b"pickle")

    repository.push(altered(tiny_bert, tmp_path / "with-code", add))
    folder = local_folder(NAME, tmp_path / "work")
    assert not [path for path in (tmp_path / "work").rglob("*") if path.suffix in {".py", ".bin"}]
    assert base_model_digest(folder) == base_model_digest(str(tiny_bert))


def test_after_the_first_fetch_no_network_is_needed(repository, monkeypatch, tmp_path):
    folder = local_folder(NAME, tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert local_folder(NAME, tmp_path) == folder


def test_seeds_are_trained_without_asking_the_hub(hub, repository, tiny_round, tmp_path):
    plan = plan_seeds(tiny_round, prepare_study(tiny_round), local_folder(NAME, tmp_path / "bases"))[0]
    asked = len(hub.asked)
    assert train_seed(plan, lambda *_: None).checkpoint_sha256
    assert len(hub.asked) == asked


def test_a_commit_is_never_asked_about_again(hub, repository, tmp_path):
    name = f"{NAME}@{repository.references['main']}"
    folder = local_folder(name, tmp_path)
    before = len(hub.asked)
    assert local_folder(name, tmp_path) == folder
    assert len(hub.asked) == before


def test_a_branch_that_moved_is_noticed_and_not_followed(repository, tiny_bert, tmp_path, caplog):
    folder, first = local_folder(NAME, tmp_path / "work"), repository.references["main"]
    second = repository.push(altered(tiny_bert, tmp_path / "other", other_weights))
    with caplog.at_level(logging.WARNING, logger="winnow.training"):
        assert local_folder(NAME, tmp_path / "work") == folder
    assert source_of(folder) == f"{NAME}@{first}"
    assert f"has moved to commit {second}" in caplog.text
    assert f"{NAME}@{second}" in caplog.text


def test_another_commit_is_another_configuration(repository, tiny_round, tiny_bert, tmp_path):
    splits = prepare_study(tiny_round)
    first, work = repository.references["main"], tmp_path / "bases"
    second = repository.push(altered(tiny_bert, tmp_path / "other", other_weights))
    plans = {
        name: plan_seeds(tiny_round, splits, local_folder(name, work))[0].config_hash
        for name in (NAME, f"{NAME}@{first}", f"{NAME}@{second}")
    }
    assert plans[NAME] == plans[f"{NAME}@{second}"] != plans[f"{NAME}@{first}"]


def test_a_copy_lost_is_fetched_again_at_the_recorded_commit(repository, tiny_bert, tmp_path):
    folder = local_folder(NAME, tmp_path / "work")
    digest = base_model_digest(folder)
    repository.push(altered(tiny_bert, tmp_path / "other", other_weights))
    for path in (tmp_path / "work" / "org--tiny@main").iterdir():
        path.unlink()
    (tmp_path / "work" / "org--tiny@main").rmdir()
    assert base_model_digest(local_folder(NAME, tmp_path / "work")) == digest


def test_a_copy_that_was_altered_is_refused(repository, tmp_path):
    path = tmp_path / "org--tiny@main" / "config.json"
    local_folder(NAME, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"layer_norm_eps": 1.0}))
    with pytest.raises(ModelFolderError, match="is not what was fetched as org/tiny@"):
        local_folder(NAME, tmp_path)


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_model_is_named_with_what_to_do(hub, repository, tmp_path, status):
    repository.gate = status
    with pytest.raises(ModelFolderError, match=r"org/tiny@main is gated.*HF_TOKEN"):
        local_folder(NAME, tmp_path)
    assert not names(tmp_path)


@pytest.mark.parametrize("lacking", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_the_hub_lacks_is_named_before_anything_is_fetched(hub, tiny_bert, tmp_path, lacking):
    lacks = altered(tiny_bert, tmp_path / "lacks", lambda folder: (folder / lacking).unlink())
    hub.repositories[NAME].push(lacks)
    with pytest.raises(ModelFolderError, match=f"has no {lacking}"):
        local_folder(NAME, tmp_path / "work")
    assert not names(tmp_path / "work")
    assert not [asked for asked in hub.asked if "resolve" in asked]


def test_a_hub_model_of_pickles_alone_is_not_fetched(hub, tiny_bert, tmp_path):
    hub.repositories[NAME].push(altered(tiny_bert, tmp_path / "pickled", pickled))
    with pytest.raises(ModelFolderError, match=r"but pickles, which may run code: pytorch_model\.bin"):
        local_folder(NAME, tmp_path / "work")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("org/none", "is not on the hub, or is private"),
        (f"{NAME}@nonesuch", "no such revision"),
        ("a folder/that is/not there", "is neither a folder, nor a hub's model"),
    ],
)
def test_what_is_no_model_is_named(repository, tmp_path, name, words):
    with pytest.raises(ModelFolderError, match=words):
        local_folder(name, tmp_path)


def test_what_a_killed_fetch_left_goes_with_the_next(repository, tmp_path):
    kill = f"""
import os, sys
from pathlib import Path
from tasks.core.training.base_models import hub_model
hub_model.put_in_place = lambda *_: os.kill(os.getpid(), 9)
hub_model.local_folder({NAME!r}, Path(sys.argv[1]))
"""
    assert subprocess.run([sys.executable, "-c", kill, str(tmp_path)], check=False).returncode == -9
    (left,) = asides(tmp_path)
    local_folder(NAME, tmp_path)
    assert not left.exists()


FETCH = """
import logging, sys
from pathlib import Path
from tasks.core.training.base_models.hub_model import find_on_hub, local_folder, source_of
logging.basicConfig(level=logging.INFO)
print(source_of(local_folder(sys.argv[1], Path(sys.argv[2]))))
"""


@pytest.fixture
def start_fetch(tmp_path):
    """Return a function that fetches in a process of its own, and a function that says whether that waits."""
    started = []

    def start(folder):
        command, log = [sys.executable, "-c", FETCH, NAME, str(folder)], tmp_path / f"{len(started)}.log"
        with log.open("w") as errors:
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True))
        return started[-1], lambda: "waiting for another process" in log.read_text()

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def names(folder):
    """Return what is in a folder, but for locks, which stay."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def asides(folder):
    return [path for path in folder.glob(".*.tmp") if path.is_dir()]


@pytest.mark.parametrize("meanwhile", ["nothing", "the branch moves"])
def test_two_processes_that_fetch_at_once_end_with_one_whole_folder(
    hub, repository, tiny_bert, tmp_path, start_fetch, meanwhile
):
    work, first = tmp_path / "work", repository.references["main"]
    with hub.held() as held:
        one, _ = start_fetch(work)
        wait_for(held.is_set, "the first asked for a file", lambda: one.poll() is None)
        (made,) = asides(work)
        if meanwhile == "the branch moves":
            repository.push(altered(tiny_bert, tmp_path / "other", other_weights))
        other, waits = start_fetch(work)
        wait_for(waits, "the second waits", lambda: other.poll() is None)
        assert asides(work) == [made]
    assert [process.communicate()[0] for process in (one, other)] == [f"{NAME}@{first}\n"] * 2
    assert base_model_digest(str(work / "org--tiny@main")) == base_model_digest(str(tiny_bert))
    assert names(work) == {"org--tiny@main", "org--tiny@main.json"}
    assert len([asked for asked in hub.asked if asked.startswith("GET") and "model.safetensors" in asked]) == 1


def test_one_that_waited_for_a_fetch_that_was_killed_fetches_itself(hub, repository, tmp_path, start_fetch):
    work = tmp_path / "work"
    with hub.held() as held:
        killed, _ = start_fetch(work)
        wait_for(held.is_set, "the first asked for a file", lambda: killed.poll() is None)
        other, waits = start_fetch(work)
        wait_for(waits, "the second waits", lambda: other.poll() is None)
        killed.kill()
        killed.communicate()
    assert other.communicate()[0] == f"{NAME}@{repository.references['main']}\n"
    assert names(work) == {"org--tiny@main", "org--tiny@main.json"}
    assert not asides(work)


@pytest.mark.parametrize("by_commit", [False, True])
def test_without_the_hub_its_clients_cache_serves(hub, repository, tiny_bert, monkeypatch, tmp_path, by_commit):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot_download(NAME, endpoint=hub.address)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    commit = repository.references["main"]
    folder = local_folder(f"{NAME}@{commit}" if by_commit else NAME, tmp_path / "work")
    assert source_of(folder) == f"{NAME}@{commit}"
    assert base_model_digest(folder) == base_model_digest(str(tiny_bert))
    assert not [path for path in Path(folder).iterdir() if path.is_symlink()]


def test_a_cache_that_lacks_the_weights_does_not_serve(hub, repository, monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot_download(NAME, endpoint=hub.address, allow_patterns="*.json")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelFolderError, match="could not be fetched"):
        local_folder(NAME, tmp_path / "work")


def test_a_hub_that_cannot_be_reached_is_our_error(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelFolderError, match=r"could not be fetched .* Run the flow there, or name a folder"):
        local_folder(NAME, tmp_path)


def test_where_a_model_stands_is_found_without_fetching_it(hub, repository, tmp_path):
    commit = repository.references["main"]
    assert find_on_hub(NAME, tmp_path) == f"the hub has it, at commit {commit}"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ModelFolderError, match="is not on the hub"):
        find_on_hub("org/none", tmp_path)
    local_folder(NAME, tmp_path)
    assert find_on_hub(NAME, tmp_path) == f"fetched as {NAME}@{commit}"


def test_a_hub_that_cannot_be_asked_is_no_fault_of_the_model(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert find_on_hub("org/tiny-that-no-cache-has", tmp_path) is None

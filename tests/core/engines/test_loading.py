"""Whoever opens an engine model says which one it should be, and gets no other."""

import ast
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.core.base.errors import ModelFolderError
from tasks.core.engines.loading import close_engines, open_engine, open_tokenizer, tokenizer_of
from tasks.core.engines.model_folder import read_engine_model, read_planned_model, write_engine_model

ROOT = Path(__file__).parents[3]
OPENERS = {"open_engine": 3, "read_engine_model": 2, "open_tokenizer": 3}
"""Each of these opens whatever is there, unless it is given so many arguments, or one by name that says which."""
MAY = {
    "tasks/core/engines/model_folder.py: read_engine_model": "the seal is compared next",
    "tasks/core/engines/loading.py: read_engine_model": "where there is no seal",
    "tasks/registered_engines.py: read_engine_model": "the files have just been compared with the registered digest",
    "tasks/conversion.py: read_engine_model": "what an interrupted conversion left, before it is registered",
    "tasks/core/conversion/packing/pack_engine.py: read_engine_model": "the folder that was just made",
    "tasks/core/conversion/workbench.py: open_tokenizer": "a checkpoint's, which is compared when it is fetched",
    "tasks/core/conversion/untrained_model.py: open_tokenizer": "a base model's, whose digest is compared before",
    "deployments/doctor/node.py: open_engine": "only to see whether this machine can",
}


def unsealed(source):
    """Return the functions that a module calls without saying which engine model it should be."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            given = [*node.args, *(word for word in node.keywords if word.arg in ("seal", "sha256"))]
            named = [node.func, *node.args]
            for name in {ast.unparse(part) for part in named} & OPENERS.keys():
                if not (ast.unparse(node.func) == name and len(given) >= OPENERS[name]) and not any(
                    isinstance(word, ast.keyword) for word in given
                ):
                    found.add(name)
    return found


def test_nobody_opens_an_engine_model_without_its_seal():
    paths = [path for folder in ("tasks", "flows", "deployments", "infra") for path in (ROOT / folder).rglob("*.py")]
    found = {f"{path.relative_to(ROOT).as_posix()}: {name}" for path in paths for name in unsealed(path.read_text())}
    assert found == set(MAY)


@pytest.mark.parametrize(
    "call", ["open_engine(use.folder, True)", "_said(open_engine, folder)", "read_engine_model(x)"]
)
def test_one_who_does_is_found(call):
    assert unsealed(call)


def test_one_who_gives_it_is_not_found():
    assert unsealed("open_engine(use.folder, seal=use.seal)\nopen_engine(use.folder, True, use.seal)") == set()


@pytest.fixture
def folder(tiny_engines, tmp_path):
    close_engines()
    yield shutil.copytree(tiny_engines["positive"].folder, tmp_path / "engine")
    close_engines()


def test_the_planned_engine_model_opens(tiny_engines, folder):
    model, _ = open_engine(str(folder), seal=tiny_engines["positive"].seal)
    assert model == replace(tiny_engines["positive"], folder=str(folder))


@pytest.mark.parametrize(
    "change", [{"label": "x"}, {"positive_index": 0}, {"config_hash": "x"}, {"canary_tolerance": 0.0}]
)
def test_another_is_refused_though_its_files_are_whole(tiny_engines, folder, change):
    model = read_engine_model(folder)
    write_engine_model(replace(model, **change))
    with pytest.raises(ModelFolderError, match="holds another engine model than was planned"):
        open_engine(str(folder), seal=model.seal)


@pytest.mark.parametrize(
    "change",
    [
        {"positive_index": -1},
        {"positive_index": True},
        {"max_length_tokens": 0},
        {"head": "other"},
        {"canary_tolerance": float("nan")},
        {"canary_tolerance": float("inf")},
        {"canary_tolerance": -1.0},
        {"canary_tolerance": 0.2},
        {"label": None},
        {"files": {}},
        {"files": []},
    ],
)
def test_an_engine_model_that_makes_no_sense_is_refused_by_whoever_reads_it(folder, change):
    write_engine_model(replace(read_engine_model(folder), **change))
    with pytest.raises(ModelFolderError, match="makes no sense"):
        read_engine_model(folder)


def test_a_tokenizer_that_is_swapped_after_the_folder_was_verified_is_refused(folder):
    model = read_planned_model(str(folder), read_engine_model(folder).seal)
    with (folder / "tokenizer.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json has sha256"):
        tokenizer_of(model)
    assert open_tokenizer(str(folder / "tokenizer.json"), 32).encode("good").ids

"""Names are made in one place, and no two files of the core are told apart by their folder or by an s alone."""

import ast
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from tasks.core.base import naming

ROOT = Path(__file__).parents[1]
CORE = ROOT / "tasks" / "core"
NAMING = "tasks/core/base/naming/"
MAY_NAME = {
    "tasks/core/base/code_version.py": ".git is git's",
    "tasks/core/conversion/packing/pyfunc_files.py": "__init__.py is Python's",
}
FILE_NAME = re.compile(
    r"[\w*-][\w.*-]*\.(json|jsonl|parquet|onnx|md|lock|csv|npy|ya?ml|log|zip|txt|tokens|png|safetensors)"
)
OF_ALL = {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors", "requirements.txt"}
"""Names that other libraries give, which other folders use for files of their own."""
REEXPORTS = {"pyfunc": "models registered by 0.1.0 name it as their loader"}


def texts_in(node):
    """Return the strings that a literal or an f-string consists of."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return [text for part in node.values for text in texts_in(part)]
    return []


def called(call):
    """Return the last part of the name of what is called."""
    return ast.unparse(call.func).split(".")[-1]


def names_spelled(source):
    """Return the names of files, folders and artifacts that a module spells out."""
    tree, found = ast.parse(source), []
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            found += texts_in(node.right)
        elif isinstance(node, ast.Call) and called(node) in {"artifact_key", "joinpath"}:
            found += [text for argument in node.args for text in texts_in(argument)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            found += [node.value] if FILE_NAME.fullmatch(node.value) else []
    return found


def modules(*folders):
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")]


def test_names_are_made_in_one_place():
    found = {path.relative_to(ROOT).as_posix(): names_spelled(path.read_text()) for path in modules("tasks", "flows")}
    assert len(found) > 100
    own = [path for path in found if path.startswith(NAMING)]
    assert sum(bool(found.pop(path)) for path in own) > 4
    assert {path: names for path, names in found.items() if names and path not in MAY_NAME} == {}


@pytest.mark.parametrize(
    "source",
    [
        'RESULT_FILE = "result.json"',
        'path = folder / "receipts"',
        'path = folder / f"part-{number}.parquet"',
        'key = artifact_key(round_.name, "seeds")',
        'path = folder.joinpath("receipts")',
    ],
)
def test_a_name_that_is_spelled_elsewhere_is_found(source):
    assert names_spelled(source)


@pytest.mark.parametrize(
    "source", ['"""The file manifest.json."""', 'SUFFIXES = (".csv", ".json")', "half = whole / 2"]
)
def test_prose_suffixes_and_sums_are_no_names(source):
    assert names_spelled(source) == []


def test_other_folders_spell_no_name_of_a_file_that_naming_gives():
    of_names = [import_module(found.name) for found in iter_modules(naming.__path__, f"{naming.__name__}.")]
    values = [value for module in of_names for name, value in vars(module).items() if name.isupper()]
    given = {value for value in values if isinstance(value, str) and "." in value.strip(".")}
    assert {"manifest.json", "jobs.jsonl"} <= given
    for path in modules("infra", "deployments"):
        spelled = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not spelled & given - OF_ALL, path


def basenames(paths):
    """Return the names of modules and packages."""
    names = [path.stem for path in paths if path.suffix == ".py" and path.stem != "__init__"]
    return names + [path.name for path in paths if (path / "__init__.py").is_file()]


def hard_to_tell_apart(names):
    """Return names that are there twice, and those that another one is the plural of."""
    return sorted({name for name in names if names.count(name) > 1 or f"{name}s" in names})


def test_no_two_files_of_the_core_are_told_apart_by_their_folder_or_an_s_alone():
    names = basenames(list(CORE.rglob("*")))
    assert len(names) > 100
    assert hard_to_tell_apart([name for name in names if name not in REEXPORTS]) == []


def test_names_that_are_hard_to_tell_apart_are_found():
    assert hard_to_tell_apart(["plan", "plan", "trial", "trials", "seed"]) == ["plan", "trial"]

"""What is imported is declared in pyproject.toml, what is declared is imported or has a reason, and all is pinned."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tasks.core.base.formats import winnow_version

ROOT = Path(__file__).parents[1]
SOURCE, TESTS = ("tasks", "flows", "infra", "deployments"), ("tests",)
NEVER_IMPORTED = {
    "accelerate": "transformers' Trainer wants it",
    "bokeh": "Dask's dashboard",
    "fastapi": "bounds for Prefect's server, which does not start with the newest",
    "mypy": "make lint",
    "prefect-redis": "Prefect's server finds it by its name in the full stack's settings",
    "psycopg2-binary": "MLflow's server reaches PostgreSQL by it",
    "pytest-timeout": "the timeout of pyproject.toml",
    "ruff": "make lint",
    "types-pyyaml": "mypy's types of yaml",
}
"""Distributions that are declared though nothing here imports them, and why."""


def imports(source: str) -> set[str]:
    """Return the first names of the modules that a file imports and that are neither Python's own nor ours."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {*SOURCE, *TESTS}


def imported(folders: tuple[str, ...]) -> dict[str, str]:
    """Return what is imported below folders, each with one file that does."""
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {name: path.relative_to(ROOT).as_posix() for path in files for name in imports(path.read_text())}


@cache
def distributions() -> dict[str, set[str]]:
    """Return by which installed distributions a module may be provided."""
    return {name: {canonicalize_name(one) for one in found} for name, found in packages_distributions().items()}


def declared(*extras: str) -> dict[str, Requirement]:
    """Return the requirements of pyproject.toml by name, with those of extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def undeclared(modules: dict[str, str], known: set[str]) -> list[str]:
    """Return which imported modules no declared distribution provides."""
    return [
        f"{path} imports {name}, of {sorted(distributions().get(name, {'no installed distribution'}))}: declare it"
        for name, path in modules.items()
        if not distributions().get(name, set()) & known
    ]


def unused(modules: dict[str, str], known: set[str], reasons: dict[str, str]) -> list[str]:
    """Return which declared distributions are neither imported nor needed for another reason, and idle reasons."""
    used = {one for name in modules for one in distributions().get(name, set())}
    idle = [f"{name} is not declared, so that it needs no reason" for name in reasons if name not in known]
    idle += [f"{name} is imported, so that it needs no reason" for name in reasons if name in used]
    return idle + [f"{name} is declared and never imported: why?" for name in known - used - reasons.keys()]


def test_what_source_imports_is_declared():
    assert len(imported(SOURCE)) > 20
    assert undeclared(imported(SOURCE), set(declared())) == []


def test_what_tests_import_is_declared_too():
    assert undeclared(imported(TESTS), set(declared("dev"))) == []


def test_what_is_declared_for_users_is_imported_by_source_or_has_a_reason():
    reasons = {name: why for name, why in NEVER_IMPORTED.items() if name in declared()}
    assert unused(imported(SOURCE), set(declared()), reasons) == []


def test_what_is_declared_for_developers_is_imported_by_tests_or_has_a_reason():
    own = declared("dev").keys() - declared().keys()
    reasons = {name: why for name, why in NEVER_IMPORTED.items() if name not in declared()}
    assert unused(imported(TESTS), set(own), reasons) == []


@pytest.mark.parametrize(
    "source", ["import tornado", "def f():\n    from tornado.web import Application", "import nothing_"]
)
def test_a_planted_import_that_is_not_declared_is_found(source):
    planted = dict.fromkeys(imports(source), "infra/planted.py")
    (line,) = undeclared(planted, set(declared()) - {"tornado"})
    assert "infra/planted.py imports" in line


def test_a_planted_requirement_that_nothing_imports_is_found():
    known = {*declared(), "requests"}
    reasons = {name: why for name, why in NEVER_IMPORTED.items() if name in known}
    assert unused(imported(SOURCE), known, reasons) == ["requests is declared and never imported: why?"]
    reasons |= {"requests": "none", "numpy": "none", "gone": "none"}
    assert len(unused(imported(SOURCE), known, reasons)) == 2


def pins() -> dict[str, Version]:
    """Return the exact versions of constraints.txt."""
    lines = [line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines()]
    return {canonicalize_name(name): Version(version) for name, version in lines}


def test_the_pins_are_exact_and_have_no_local_suffix():
    assert len(pins()) > 150
    assert [name for name, version in pins().items() if version.local] == []


def locked(name: str) -> dict[str, tuple[Version, list[str]]]:
    """Return the versions and hashes of a lock."""
    blocks = re.findall(r"^(\S+)==(\S+)((?: \\\n +--hash=\S+)+)$", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(one): (Version(version), hashes.split()[1::2]) for one, version, hashes in blocks}


def test_every_pin_but_torchs_is_locked_by_hashes():
    lock = {name: version for name, (version, _) in locked("requirements.lock").items()}
    assert lock == {name: version for name, version in pins().items() if name != "torch"}, "run: sh infra/lock.sh"


@pytest.mark.parametrize("name", ["requirements.lock", "infra/audit-tools.lock"])
def test_a_lock_holds_sha256_hashes_and_no_address(name):
    hashes = [one for _, found in locked(name).values() for one in found]
    assert len(locked(name)) > 30
    assert [one for one in hashes if not re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one)] == []
    text = (ROOT / name).read_text()
    assert len(re.findall("^[a-zA-Z]", text, re.MULTILINE)) == len(locked(name))
    assert "://" not in text


def test_what_builds_winnow_is_locked_too():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert wanted == [f"hatchling=={pins()['hatchling']}"]


def test_every_requirement_has_bounds_that_its_pin_satisfies():
    for name, requirement in declared("dev").items():
        assert requirement.specifier, f"{name} is declared without a version"
        assert requirement.specifier.contains(pins()[name]), f"{requirement} does not allow the pin {pins()[name]}"


def test_the_installed_version_is_the_projects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert winnow_version() == project["version"], "install it again: make setup"

"""Imports point one way: deployments -> flows -> tasks -> tasks.core, and flows -> infra -> tasks.core.base."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORCHESTRATION = {"prefect", "prefect_dask", "dask", "distributed", "dask_jobqueue"}
LEARNING = {"torch", "transformers", "onnx", "onnxruntime", "sklearn"}
FORBIDDEN = {
    "tasks/core": ORCHESTRATION | {"mlflow", "flows", "infra", "deployments", "tests"},
    "tasks": (ORCHESTRATION - {"prefect"}) | {"mlflow", "flows", "infra", "deployments", "tests"},
    "infra": {"mlflow", "tasks", "flows", "deployments", "tests"} | LEARNING,
    "flows": (ORCHESTRATION - {"prefect"}) | {"mlflow", "duckdb", "deployments", "tests"} | LEARNING,
    "deployments": (ORCHESTRATION - {"prefect"}) | {"mlflow", "tests"} | LEARNING,
}
RECORDS = {f"tasks/records/{name}.py" for name in ("tracking", "tracked_run", "registry")}
MAY_IMPORT_MLFLOW = RECORDS | {"infra/services/mlflow_app.py"}
"""The client's three, and the server's application behind a password."""
GROUND_FLOOR = "tasks.core.base"
"""Also infra/ stands on it: files, names and processes are the same for both."""
STOREYS = [
    {"base"},
    {"preprocessing"},
    {"round", "engines"},
    {"corpus", "metrics"},
    {"runs", "training", "screening"},
    {"inference", "conversion", "pretraining", "distillation", "ranking", "exchange"},
    {"evaluation", "sampling", "publishing"},
    {"report", "loop"},
]
"""The rooms of tasks/core from the ground up: each imports from those below it alone, never from its neighbours."""


def imported(source: str) -> list[tuple[str, str]]:
    """Return each import of a module as its whole name and its first part."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append("." * node.level + (node.module or ""))
    return [(name, name.split(".", maxsplit=1)[0]) for name in names]


def storey(room: str) -> int:
    """Return how high a room of tasks/core lies.

    Raises:
        LookupError: STOREYS does not know it.
    """
    found = [number for number, rooms in enumerate(STOREYS) if room in rooms]
    if not found:
        raise LookupError(f"tasks/core/{room} is a room that STOREYS in tests/test_architecture.py does not know")
    return found[0]


def runs_up(path: str, name: str) -> bool:
    """Say whether a file of tasks/core imports from a room that does not lie below its own."""
    own, other = path.split("/")[2], name.split(".")[2]
    return own != other and storey(other) >= storey(own)


def violations(path: str, source: str) -> list[str]:
    """Return what a file imports against the rule of its folder, by name."""
    folder = "tasks/core" if path.startswith("tasks/core/") else path.split("/", maxsplit=1)[0]
    forbidden = FORBIDDEN[folder] - ({"mlflow"} if path in MAY_IMPORT_MLFLOW else set())
    found = [name for name, first in imported(source) if first in forbidden or name.startswith(".")]
    if folder == "infra":
        found = [name for name in found if not f"{name}.".startswith(f"{GROUND_FLOOR}.")]
    if folder == "tasks/core":
        found += [name for name, first in imported(source) if first == "tasks" and not name.startswith("tasks.core")]
        found += [name for name, _ in imported(source) if name.startswith("tasks.core.") and runs_up(path, name)]
    return [
        f"{path} imports {name}, which {folder}/ may not: see 'How the code is laid out' in README.md" for name in found
    ]


def test_imports_point_one_way():
    files = [path for folder in ("tasks", "flows", "infra", "deployments") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 40
    found = [line for path in files for line in violations(path.relative_to(ROOT).as_posix(), path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tasks/core/base/files.py", "import prefect"),
        ("tasks/core/base/files.py", "def f():\n    from dask import delayed"),
        ("tasks/core/base/files.py", "from tasks.records.registry import resolve"),
        ("tasks/core/base/files.py", "from .naming import shard_number"),
        ("tasks/training.py", "from mlflow.tracking import MlflowClient"),
        ("tasks/records/tracking.py", "from flows.training import training"),
        ("flows/training.py", "import torch"),
        ("flows/inference.py", "from distributed import Client"),
        ("infra/cluster.py", "from tasks.core.round.model import Round"),
        ("infra/cluster.py", "from tasks.core import round"),
        ("infra/cluster.py", "import tasks.core.based"),
        ("tasks/core/runs/plan.py", "from tasks.core.inference.scoring import score_shard"),
        ("tasks/core/round/model.py", "from tasks.core.engines.scores import margins"),
    ],
)
def test_the_rule_catches_a_planted_import(path, source):
    assert violations(path, source)


def test_infra_stands_on_the_ground_floor_of_core():
    assert violations("infra/cluster.py", "from tasks.core.base.processes import is_gone") == []

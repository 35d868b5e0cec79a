"""A model that somebody else registered as an mlflow.pyfunc runs his code when it is loaded: Winnow loads none."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCE = ("tasks", "flows", "infra", "deployments")


def loads_pyfunc(source: str) -> bool:
    """Say whether a module loads models by one of MLflow's flavours, each of which may run code that they bring."""
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return any(
        name.endswith(("pyfunc.load_model", "pytorch.load_model", "sklearn.load_model")) for name in calls + names
    )


def test_winnow_loads_no_model_that_brings_code():
    files = [path for folder in SOURCE for path in (ROOT / folder).rglob("*.py")]
    assert [str(path) for path in files if loads_pyfunc(path.read_text(encoding="utf-8"))] == []


def test_one_who_does_is_found():
    assert loads_pyfunc("import mlflow\nmlflow.pyfunc.load_model('models:/x/1')")
    assert loads_pyfunc("from mlflow.pyfunc import load_model")
    assert not loads_pyfunc("from tasks.core.training.base_models.load_base import load_model\nload_model(1)")


def test_who_loads_one_by_himself_is_told_so():
    said = (ROOT / "tasks" / "core" / "conversion" / "README.md").read_text(encoding="utf-8")
    assert "which runs as you when it is loaded" in " ".join(said.split())

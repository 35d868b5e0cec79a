"""Tables are left in Prefect's UI by one function, which refuses what no screen shows."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKES_THEM = "tasks/artifacts.py"
OF_PREFECT = {"create_table_artifact", "create_markdown_artifact"}


def test_no_other_module_leaves_a_table_or_a_page():
    found = {}
    for path in [
        path for folder in ("tasks", "flows", "infra", "deployments") for path in (ROOT / folder).rglob("*.py")
    ]:
        names = {name.id for name in ast.walk(ast.parse(path.read_text())) if isinstance(name, ast.Name)}
        found[path.relative_to(ROOT).as_posix()] = names & OF_PREFECT
    assert {path: names for path, names in found.items() if names} == {MAKES_THEM: OF_PREFECT}

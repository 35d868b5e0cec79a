"""Count the house: files, functions, rooms and the arrows between them, of this checkout or of another one's folder.

`python -m tests.benchmarks.house [FOLDER]` prints JSON. A room is a folder with modules in it, `__init__.py` aside;
an arrow says that a module of one room imports from another one, and counts once for each pair of rooms.
"""

import ast
import json
import sys
from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

SOURCE = ("tasks", "flows", "infra", "deployments")
TESTS = ("tests",)
Trees = dict[str, ast.Module]


def count_house(root: Path) -> dict[str, Any]:
    """Return the figures of the checkout in `root`."""
    texts = _texts(root, SOURCE)
    trees = {path: ast.parse(text) for path, text in texts.items()}
    modules = Counter(_room(path) for path in trees if not path.endswith("__init__.py"))
    arrows = _arrows(trees, set(modules))
    return {
        "source": _sizes(texts),
        "tests": _sizes(_texts(root, TESTS)),
        "rooms": len(modules),
        "modules_of_the_largest_room": max(modules.values(), default=0),
        "arrows": len(arrows),
        "pairs_that_import_from_each_other": len([pair for pair in arrows if pair[::-1] in arrows]) // 2,
        "readme_lines": len((root / "README.md").read_text(encoding="utf-8").splitlines()),
    }


def _texts(root: Path, folders: tuple[str, ...]) -> dict[str, str]:
    """Return every Python file below `folders`, by its path from `root`."""
    files = [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in files}


def _sizes(texts: dict[str, str]) -> dict[str, Any]:
    lines = [len(text.splitlines()) for text in texts.values()]
    functions = [length for text in texts.values() for length in _function_lines(ast.parse(text))]
    return {
        "files": len(lines),
        "lines": sum(lines),
        "file_lines": _spread(lines),
        "functions": len(functions),
        "function_lines": _spread(functions),
    }


def _function_lines(tree: ast.Module) -> Iterator[int]:
    """Yield the lines of each function from its `def` on, its decorators aside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.end_lineno - node.lineno + 1


def _spread(values: list[int]) -> dict[str, float]:
    ordered = sorted(values) or [0]
    return {"median": median(ordered), "p90": ordered[ceil(0.9 * len(ordered)) - 1], "max": ordered[-1]}


def _room(path: str) -> str:
    return path.rpartition("/")[0]


def _arrows(trees: Trees, rooms: set[str]) -> set[tuple[str, str]]:
    """Return the pairs of rooms of which the first imports from the second."""
    pairs = {(_room(path), _home(name, trees)) for path, tree in trees.items() for name in _imported(path, tree)}
    return {(own, other) for own, other in pairs if other in rooms and own in rooms and own != other}


def _imported(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield the whole name of everything that a file imports, wherever in the file that stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.split("/")[: -node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _home(name: str, trees: Trees) -> str | None:
    """Return the room of the module that a name is, or is of; a package is its own room. None for foreign names."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end])
        if f"{path}.py" in trees:
            return _room(path)
        if f"{path}/__init__.py" in trees:
            return path
    return None


if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2]
    sys.stdout.write(json.dumps(count_house(root), indent=2) + "\n")

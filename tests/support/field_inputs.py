"""Small inputs of faults that were found in the field: a folder each, which is not in the repository."""

import ast
from pathlib import Path


def untested(folder: Path, test_files: list[Path]) -> list[str]:
    """Return the inputs of a folder that none of the tests names."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in test_files]
    words = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    named = {word.split("/")[0] for word in words if isinstance(word, str)}
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name not in named)

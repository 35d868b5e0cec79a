"""Docstrings of fields and constants, and whether each is a sentence that stands alone."""

import ast
import re
from collections.abc import Iterator

SENTENCE = re.compile(
    r"(?!(?:Of|By|That|Also|Among|Between|Not|Who|Whether|How)\b|\w+:)(`[^`]+`|[A-Z])(\S*\s+){3,}.*\.", re.DOTALL
)
"""It begins with a capital letter or a quoted word, never as a fragment does, has four words and a full stop."""


def stands_alone(text: str) -> bool:
    """Say whether a docstring has the form of a sentence; that it has a verb is for its reader to see."""
    return SENTENCE.fullmatch(text) is not None


def described(source: str) -> Iterator[tuple[int, str]]:
    """Give the line and the text of what stands below each field, and each constant, of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef):
            for field, below in zip(node.body, node.body[1:], strict=False):
                if isinstance(field, ast.Assign | ast.AnnAssign) and isinstance(below, ast.Expr):
                    yield from _text(below)


def _text(node: ast.Expr) -> Iterator[tuple[int, str]]:
    if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        yield node.lineno, node.value.value

"""Fragments of HTML from templates. Whatever is filled in is escaped; texts of users keep their own direction."""

import unicodedata
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

LONGEST_TEXT = 1_000
"""A text is cut after so many characters, and says how many were left out."""
NO_TEXT = {"Cc", "Cs"}
"""Characters of these kinds are written as escapes: controls, and halves of pairs."""


def render(template: str, facts: dict[str, Any]) -> Markup:
    """Return a template filled with facts."""
    return Markup(_environment().get_template(f"{template}.html").render(facts))  # noqa: S704 - escapes what it is given


def as_text(value: object) -> str:
    """Return a user's text so that any page can hold it: cut when it is long, what is no character as an escape."""
    text = str(value)
    more = len(text) - LONGEST_TEXT
    shown = "".join(char if _is_text(char) else char.encode("unicode_escape").decode() for char in text[:LONGEST_TEXT])
    return shown if more <= 0 else f"{shown}… ({more:,} more characters)"


def is_figure(cell: object) -> bool:
    """Say whether a cell of a table holds a number, which is set to the right."""
    text = str(cell).strip()
    return bool(text) and (text[0].isdigit() or (text[0] in "+-" and text[1:2].isdigit()))


def _is_text(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in NO_TEXT


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tasks.core.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"as_text": as_text}
    made.tests |= {"figure": is_figure}
    return made

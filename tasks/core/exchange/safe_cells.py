"""Cells that a spreadsheet leaves alone: it rounds long ids to 2.7E+17, drops zeros, and runs what looks like code.

An id is written as `id_1270000000000000001`, which is no number to any program; both forms are read.
"""

from collections.abc import Collection

ID_PREFIX = "id_"
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins so; a quote in front makes it a text again."""


def safe_id(id_: object) -> str:
    """Return an id as it is written for people."""
    return f"{ID_PREFIX}{id_}"


def id_among(written: str, known: Collection[str]) -> str:
    """Return the id that is written: as it stands where it is known so, else without the prefix."""
    return written if written in known else written.removeprefix(ID_PREFIX)


def safe_text(text: str | None) -> str:
    """Return a text that no spreadsheet runs."""
    text = text or ""
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text

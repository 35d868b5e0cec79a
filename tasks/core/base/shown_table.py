"""Tables as Prefect's UI shows them: a cell is one line, and what is wider than the screen is cut off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDEST = 6
"""A table of more columns is no table for a screen."""
PIXELS, PADDING, LETTER = 844, 24, 7.3
"""A table has so many pixels on a screen of 1,400, each column so many beside its letters, which are so wide."""
LONGEST_CELL = 32
"""What has more letters leaves a table that is too wide."""
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ShownTable:
    """What fits on a screen, and what does not fit into its cells."""

    rows: list[dict[str, Any]]
    notes: list[str]
    """Each says in full what was too long for a cell, and of which row it is."""

    @property
    def is_cut_off(self) -> bool:
        """Whether the screen shows less than all columns."""
        return _width(self.rows) > PIXELS


def shown_table(rows: Rows) -> ShownTable:
    """Return rows as a screen shows them: where they are too wide, long cells become notes.

    A column whose cells are all long is one of notes alone.

    Raises:
        ValueError: there are more than six columns; the others belong into a table of their own.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if len(columns) > WIDEST:
        raise ValueError(f"a table has {len(columns)} columns, {', '.join(columns)}; a screen shows {WIDEST}")
    whole = [{column: row.get(column, "") for column in columns} for row in rows]
    if _width(whole) <= PIXELS:
        return ShownTable(whole, [])
    told = [column for column in columns if all(_is_long(row[column]) or row[column] == "" for row in whole)]
    short = [{name: _cut(value) for name, value in row.items() if name not in told} for row in whole]
    notes = [f"{_row_name(row)}: {value}" for row in whole for name, value in row.items() if _is_long(value)]
    return ShownTable(short, notes)


def _width(rows: Rows) -> float:
    """Return how many pixels the rows take."""
    columns = rows[0] if rows else {}
    return sum(PADDING + LETTER * max(len(name), *(len(str(row[name])) for row in rows)) for name in columns)


def _is_long(value: Any) -> bool:
    return len(str(value)) > LONGEST_CELL


def _cut(value: Any) -> Any:
    return f"{str(value)[: LONGEST_CELL - 1]}…" if _is_long(value) else value


def _row_name(row: Mapping[str, Any]) -> str:
    """Return a row's first short cells, by which it is found in the table."""
    return ", ".join([str(value) for value in row.values() if value != "" and not _is_long(value)][:2])

"""Lines, bars, tables and pages on a terminal, or lines, tables and pages in a file."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tasks.core.base.printable import on_one_line, printable

WIDTH_OF_A_FILE = 120
SHOWN_ROWS = 12
LONGEST_CELL = 40
BETWEEN = 3
"""Columns of a table have so many blanks between them."""


class Screen:
    """Where a person reads; control characters are printed as escapes."""

    def __init__(self) -> None:
        console = Console(highlight=False, markup=False, emoji=False)
        if not console.is_terminal and "COLUMNS" not in os.environ:
            console = Console(highlight=False, markup=False, emoji=False, width=WIDTH_OF_A_FILE)
        self._console = console
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def say(self, line: str = "") -> None:
        """Print a line, above the bars where there are any."""
        self._console.print(Text(printable(line)), soft_wrap=True)

    @contextmanager
    def bars(self) -> Iterator[None]:
        """Show bars inside the block, where this is a terminal."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"))
        disable = not self._console.is_terminal
        with Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True, disable=disable) as bars:
            self._bars = bars
            try:
                yield
            finally:
                self._bars = None
                self._tasks = {}

    def show(self, name: str, percent: float | None) -> None:
        """Set a bar; one that runs to and fro where nobody knows how much is done."""
        if self._bars is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(on_one_line(name), total=None, done="")
        if percent is not None:
            self._bars.update(self._tasks[name], total=100.0, completed=percent, done=f"{percent:.0f} %")

    def table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Print the first rows of a table, as many of its columns as there is room for."""
        shown = [{name: _cell(value) for name, value in row.items()} for row in rows[:SHOWN_ROWS]]
        names = fitting(shown, self._console.width)
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in names:
            table.add_column(Text(_cell(name)))
        for row in shown:
            table.add_row(*(Text(row.get(name, "")) for name in names))
        self._console.print(table)
        columns = len(rows[0]) - len(names)
        left = [f"{len(rows) - SHOWN_ROWS:,} more rows"] * (len(rows) > SHOWN_ROWS) + [f"{columns} more columns"] * (
            columns > 0
        )
        if left:
            self.say(f"{' and '.join(left)} are on the run's page")

    def page(self, markdown: str) -> None:
        """Print a page."""
        self._console.print(Markdown(printable(markdown), hyperlinks=False))


def fitting(rows: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """Return the first columns of a table that fit into a width; at least one."""
    names: list[str] = []
    taken = 0
    for name in rows[0]:
        taken += max(len(_cell(name)), *(len(row.get(name, "")) for row in rows)) + BETWEEN
        if names and taken > width:
            break
        names.append(name)
    return names


def _cell(value: object) -> str:
    text = on_one_line(str(value))
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"

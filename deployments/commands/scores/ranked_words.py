"""Ranked texts as lines of a terminal, cut to its width."""

import shutil
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from tasks.core.base.printable import on_one_line
from tasks.core.publishing.published_scores import spell_score
from tasks.core.report.ranked_texts.best_of_label import BestOfLabel, RankedText

LEAST_TEXT = 20
"""So many columns are given to a text, however narrow the terminal is."""
NAMES = ("rank", "score", "human", "id", "text")


def terminal_width() -> int | None:
    """Return how many columns the terminal has; None where what is printed goes into a file or another program."""
    return shutil.get_terminal_size((0, 0)).columns or None


def label_lines(best: BestOfLabel, width: int | None) -> Iterator[str]:
    """Yield a heading, and a line a text: rank, score, what people said where anything is known, id and text."""
    yield best.note
    rows = [_cells(one) for one in best.texts]
    sizes = [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)][:-1]
    widths = [size and max(size, len(name)) for size, name in zip(sizes, NAMES, strict=False)]
    for *cells, text in [NAMES, *rows] if rows else []:
        line = "".join(_padded(cell, size) for cell, size in zip(cells, widths, strict=True) if size)
        yield line + (text if width is None else cut(text, max(LEAST_TEXT, width - cell_len(line))))


def cut(text: str, columns: int) -> str:
    """Return a text that takes so many columns at most."""
    return text if cell_len(text) <= columns else f"{set_cell_size(text, columns - 1)}…"


def _cells(one: RankedText) -> Sequence[str]:
    text = on_one_line(one.text) if one.same_as is None else f"(the same text as rank {one.same_as})"
    return f"{one.rank:>4}", spell_score(one.score), one.human, on_one_line(one.id), text


def _padded(cell: str, size: int) -> str:
    return f"{cell}{' ' * (size - cell_len(cell))}  "

"""`selection.json` beside a study's seeds: which one was selected, how sure that is, and how it compares.

The parent run of the study holds the same on the tracking server; this one is read where no server is.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from tasks.core.base.formats import Content, FileFormat, read_record, write_record
from tasks.core.training.seeds.comparison import Comparison
from tasks.core.training.seeds.selection import Selection


class SelectionRecord(TypedDict):
    """What a study's selection says."""

    study: str
    labels: list[str]
    head: str
    data: dict[str, Any]
    metric: str
    tie_rule: str
    tied_means: str
    winner: dict[str, Any]
    tied_seeds: list[int]
    failed_seeds: dict[str, str]
    seeds: list[dict[str, Any]]
    results: dict[str, list[dict[str, Any]]]
    baselines: dict[str, dict[str, float]]
    left_out: dict[str, str]
    warnings: NotRequired[list[str]]
    """What to know before believing the figures; selections of before the warnings do not say."""


SELECTION = FileFormat(
    kind="selection",
    number=1,
    schema=SelectionRecord,
    remedy="Run the training flow again: finished seeds are kept",
)


def selection_record(selection: Selection, comparison: Comparison, warnings: Sequence[str]) -> Content:
    """Return as JSON what was selected, how it compares, and what both warn of."""
    return selection.record() | comparison.record() | {"warnings": list(warnings)}


def write_selection(path: Path, selection: Selection, comparison: Comparison, warnings: Sequence[str]) -> None:
    """Write what was selected, how it compares and what both warn of, over an earlier selection of the study."""
    write_record(path, SELECTION, selection_record(selection, comparison, warnings))


def read_selection(path: Path) -> Content:
    """Read what was selected.

    Raises:
        FileNotFoundError: nothing was.
        FormatError: it is of a format that this version does not read.
        TornRecordError: it is torn, altered, or no selection.
    """
    return read_record(path, SELECTION)

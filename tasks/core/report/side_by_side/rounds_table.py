"""The table of rounds beside each other: for people, for a spreadsheet, and for a program."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tasks.core.base.files import write_text
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.base.markdown import markdown_table
from tasks.core.base.naming.file_names import COMPARISON_FILE, COMPARISON_SHEET, COMPARISON_TABLE
from tasks.core.metrics.warning_words import NOT_MEASURED
from tasks.core.report.side_by_side.round_figures import LabelFigures


@dataclass(frozen=True)
class Column:
    """How a figure is shown."""

    title: str
    form: str
    """The figure is written in this format."""


COLUMNS = {
    "precision_at_20": Column("precision at 20", ".2f"),
    "precision_at_50": Column("precision at 50", ".2f"),
    "precision_at_10000": Column("precision at 10,000", ".2f"),
    "expansion": Column("expansion", ",.0f"),
    "test_average_precision": Column("test AP", ".3f"),
    "labels": Column("labels", ",.0f"),
    "training_core_hours": Column("training core-hours", ",.3g"),
    "inference_core_hours": Column("inference core-hours", ",.3g"),
}


@dataclass(frozen=True)
class ComparisonRecord:
    """What `comparison.json` says."""

    sample: str
    run_name: str
    lines: list[LabelFigures]


COMPARISON = FileFormat(
    kind="comparison of rounds",
    number=1,
    schema=ComparisonRecord,
    remedy="Make it again: winnow compare",
    check=TypeAdapter(ComparisonRecord).validate_python,
)


def write_tables(folder: Path, record: ComparisonRecord) -> list[Path]:
    """Write the comparison as Markdown, CSV and JSON, and return where."""
    table, sheet, file = (folder / name for name in (COMPARISON_TABLE, COMPARISON_SHEET, COMPARISON_FILE))
    write_text(table, f"{as_markdown(record.lines)}\n")
    write_text(sheet, _as_csv(record.lines))
    write_record(file, COMPARISON, asdict(record))
    return [table, sheet, file]


def read_comparison(path: Path) -> ComparisonRecord:
    """Read `comparison.json`.

    Raises:
        FormatError: another version of Winnow wrote it.
        TornRecordError: it is torn, altered, or no such file.
    """
    return TypeAdapter(ComparisonRecord).validate_python(read_record(path, COMPARISON))


def as_markdown(lines: Sequence[LabelFigures]) -> str:
    """Return the table, then what must be known to read it."""
    rows = [
        _whose(line) | {column.title: line.measures[name].said(column.form) for name, column in COLUMNS.items()}
        for line in lines
    ]
    notes = [f"- {note}" for note in dict.fromkeys(note for line in lines for note in _notes(line))]
    said = "Intervals are of 95 %. Costs are in core-hours: of all seeds of a label's study, of the run for all labels."
    return "\n\n".join([markdown_table(rows), said, *(["\n".join(notes)] if notes else [])])


def _whose(line: LabelFigures) -> dict[str, Any]:
    whose = asdict(line)
    return {name: whose[name] for name in ("country", "iteration", "method", "label")}


def _notes(line: LabelFigures) -> list[str]:
    """Say why figures are missing: in one note those that are missing for the same reason."""
    by_reason: dict[str, list[str]] = {}
    for name, column in COLUMNS.items():
        found = line.measures[name]
        if found.value is None:
            made_by = f": {found.command}" if found.command else ""
            by_reason.setdefault(f"{found.note}{made_by}", []).append(column.title)
    where = f"{line.round_name}, {line.label}"
    return [f"{where}: {', '.join(names)} {NOT_MEASURED}, for {reason}" for reason, names in by_reason.items()]


def _as_csv(lines: Sequence[LabelFigures]) -> str:
    made = io.StringIO()
    ends = [f"{name}{end}" for name in COLUMNS for end in ("", "_low", "_high", "_note")]
    sheet = csv.writer(made, lineterminator="\n")
    sheet.writerow(["round", "country", "iteration", "method", "label", *ends])
    for line in lines:
        found = [line.measures[name] for name in COLUMNS]
        cells = [cell for one in found for cell in (_cell(one.value), one.low, one.high, one.note)]
        sheet.writerow([line.round_name, *_whose(line).values(), *cells])
    return made.getvalue()


def _cell(value: float | None) -> float | str:
    return NOT_MEASURED if value is None else value

"""What annotators answered, on disk beside their batch, and the record of each file that it came from.

answers.parquet    a row a text, label and annotator
controls.parquet   the same of control questions, whose texts are not of the batch
imports.json       written last: which files were imported, and what of them was left out
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from tasks.core.base.errors import TornRecordError
from tasks.core.base.files import write_aside
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.base.naming.file_names import ANSWERS_FILE, CONTROL_ANSWERS_FILE, IMPORTS_FILE
from tasks.core.base.parquet import read_parquet
from tasks.core.exchange.controls import Key
from tasks.core.exchange.incoming.answer_words import Answer
from tasks.core.runs.parts import ID_COLUMN

ADJUDICATOR = "adjudicator"
"""Whoever answers under this name decides, whatever others said."""
SCHEMA = pa.schema(
    [(name, pa.string()) for name in (ID_COLUMN, "label", "annotator", "answer", "source")],
)


@dataclass(frozen=True)
class Said:
    """An answer, and the digest of the file that it stands in."""

    answer: Answer
    source: str


Answers = dict[tuple[str, Key], Said]
"""Answers by annotator, and by text and label."""


@dataclass(frozen=True)
class ImportRecord:
    """What one file brought, or what was taken back."""

    file: str
    digest: str
    annotator: str
    """Rows that named no annotator are this one's."""
    new: int
    """So many answers were not there before."""
    replaced: int = 0
    repeated: int = 0
    """So many answers were there already, the same."""
    blank: int = 0
    taken_back: int = 0
    """So many answers were removed: see `forget_answers`."""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """For each reason, the rows that were not imported, in words."""


@dataclass(frozen=True)
class Imports:
    """What `imports.json` says."""

    files: list[ImportRecord]


IMPORTS = FileFormat(
    kind="record of imports",
    number=1,
    schema=Imports,
    remedy="Delete it together with answers.parquet and controls.parquet beside it, and import the answers again",
    check=TypeAdapter(Imports).validate_python,
)


def read_imports(folder: Path) -> list[ImportRecord]:
    """Return what was imported into a batch's folder, in order."""
    try:
        found = read_record(folder / IMPORTS_FILE, IMPORTS)
    except FileNotFoundError:
        return []
    return TypeAdapter(Imports).validate_python(found).files


def read_answers(folder: Path) -> tuple[Answers, Answers]:
    """Return the answers of a batch's folder, and those to its control questions.

    Raises:
        TornRecordError: a file of them is no whole one.
    """
    return _read(folder / ANSWERS_FILE), _read(folder / CONTROL_ANSWERS_FILE)


def write_answers(folder: Path, ids: pa.DataType, answers: Answers, controls: Answers) -> None:
    """Write the answers, and those to controls; ids of the batch have their own type again."""
    _write(folder / CONTROL_ANSWERS_FILE, pa.string(), controls)
    _write(folder / ANSWERS_FILE, ids, answers)


def write_imports(folder: Path, records: list[ImportRecord]) -> None:
    """Write what was imported."""
    write_record(folder / IMPORTS_FILE, IMPORTS, asdict(Imports(records)))


def _read(path: Path) -> Answers:
    try:
        rows: list[dict[str, Any]] = read_parquet(path).to_pylist()
        return {
            (row["annotator"], (str(row[ID_COLUMN]), row["label"])): Said(row["answer"], row["source"]) for row in rows
        }
    except FileNotFoundError:
        return {}
    except (pa.ArrowException, KeyError) as error:
        raise TornRecordError(f"{path} cannot be read as answers: {error}. {IMPORTS.remedy}.") from None


def _write(path: Path, ids: pa.DataType, answers: Answers) -> None:
    rows = [
        (id_, label, who, said.answer, said.source) for (who, (id_, label)), said in sorted(answers.items(), key=str)
    ]
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] if rows else [[]] * len(SCHEMA)
    table = pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA)
    table = table.set_column(0, ID_COLUMN, table[ID_COLUMN].cast(ids))
    with write_aside(path) as aside:
        pq.write_table(table, aside, compression="zstd")

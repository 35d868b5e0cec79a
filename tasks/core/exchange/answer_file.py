"""One file of answers, as labellers and their tools write it: CSV, Parquet, or Label Studio's JSON."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.parquet import PARQUET_SUFFIXES, read_parquet
from tasks.core.corpus.columns import check_id_strings, check_id_type, read_schema
from tasks.core.corpus.faults import cannot_read, parquet_errors_named
from tasks.core.exchange.label_studio import read_tasks
from tasks.core.exchange.safe_cells import ID_PREFIX
from tasks.core.runs.parts import ID_COLUMN

COLUMNS = (ID_COLUMN, "label", "annotator", "answer")
OPTIONAL = ("annotator", "batch", "text")
DELIMITERS = (",", ";", "\t")
SUFFIXES = (".csv", *PARQUET_SUFFIXES, ".json")
REMEDY = (
    f"A spreadsheet does this to ids that are digits alone. Label the file as it was exported, whose ids begin with "
    f"'{ID_PREFIX}', or have the column read as text before anything is saved."
)
Cells = Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """What a file says of one text, label and annotator, as it is written there."""

    tweet_id: str
    """The id may have the prefix of exports: see `safe_cells`."""
    label: str
    annotator: str
    """The annotator is named without capitals, and is empty where the file names none."""
    word: Any
    text: str = ""
    batch: str = ""


@dataclass(frozen=True)
class AnswerFile:
    """A file of answers, read."""

    path: Path
    digest: str
    rows: list[Given]


def read_answer_file(path: Path) -> AnswerFile:
    """Read a file of answers by its suffix.

    Raises:
        InputDataError: it cannot be read so, lacks a column, has no row, or has ids that went through floats.
    """
    readers = {".csv": _read_csv, ".json": read_tasks} | dict.fromkeys(PARQUET_SUFFIXES, _read_parquet)
    if path.suffix.lower() not in readers:
        raise InputDataError(
            f"answers are read by their suffix, but {path} has '{path.suffix}'; allowed are {SUFFIXES}"
        )
    try:
        digest = sha256_of_file(path)
        rows = [_given(cells) for cells in readers[path.suffix.lower()](path)]
    except OSError as error:
        raise cannot_read(path, error) from None
    if not rows:
        raise InputDataError(f"{path} has no row of answers; is it the file that was labelled?")
    _refuse_floats(path, [row.tweet_id for row in rows])
    return AnswerFile(path, digest, rows)


def name_of(annotator: object) -> str:
    """Return an annotator's name as it is compared: without capitals and spare spaces, accents encoded in one way."""
    return " ".join(unicodedata.normalize("NFKC", str(annotator or "")).casefold().split())


def _given(cells: Cells) -> Given:
    id_, label = (str(cells[key] if cells[key] is not None else "").strip() for key in (ID_COLUMN, "label"))
    optional = {key: str(cells.get(key) or "") for key in ("text", "batch")}
    return Given(id_, label, name_of(cells.get("annotator")), cells["answer"], **optional)


def _read_csv(path: Path) -> Iterable[Cells]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputDataError(f"{path} is not UTF-8: {error}. Save it as 'CSV UTF-8' and import that file.") from None
    header = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    limit = csv.field_size_limit(max(len(text), 1))  # a text may be longer than what Python takes for one by itself
    try:
        names, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        raise InputDataError(f"{path} cannot be read as CSV: {error}. Save it as 'CSV UTF-8' once more.") from None
    finally:
        csv.field_size_limit(limit)
    places = _places(path, names)
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            if len(row) != len(names):
                raise InputDataError(
                    f"row {number} of {path} has {len(row)} cells, but the header has {len(names)}: a delimiter or a "
                    "quote was lost. Correct the row."
                )
            yield {key: row[place] for key, place in places.items()}


def _read_parquet(path: Path) -> Iterable[Cells]:
    places = _places(path, read_schema(path).names)
    with parquet_errors_named(path):
        table = read_parquet(path)
    ids = table.column(places[ID_COLUMN])
    try:
        check_id_type(path, ID_COLUMN, ids.type, lambda: ids)
    except InputDataError as error:
        raise InputDataError(f"{error} {REMEDY}") from None
    columns = [table.column(place).to_pylist() for place in places.values()]
    return [dict(zip(places, row, strict=True)) for row in zip(*columns, strict=True)]


def _places(path: Path, names: list[str]) -> dict[str, int]:
    found = [name.strip().casefold() for name in names]
    wanted = dict.fromkeys((*COLUMNS, *OPTIONAL))
    missing = [name for name in wanted if name not in found and name not in OPTIONAL]
    if missing:
        raise InputDataError(
            f"{path} lacks the columns {missing}; it has {names}. Answers have a row a text, label and annotator, with "
            f"the columns {list(COLUMNS)}, as `winnow labels export` writes them."
        )
    twice = [name for name in wanted if found.count(name) > 1]
    if twice:
        raise InputDataError(f"{path} has several columns called {twice}; keep the one that is meant")
    return {name: found.index(name) for name in wanted if name in found}


def _refuse_floats(path: Path, ids: list[str]) -> None:
    try:
        check_id_strings(path, ID_COLUMN, pa.array(ids, pa.string()))
    except InputDataError as error:
        raise InputDataError(f"{error} {REMEDY}") from None

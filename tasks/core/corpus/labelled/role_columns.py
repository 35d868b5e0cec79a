"""Read columns of a labelled file, Parquet or text, as a table whose columns are named by their roles."""

from pathlib import Path

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.base.parquet import PARQUET_SUFFIXES, read_parquet
from tasks.core.corpus.columns import read_schema, resolve_columns
from tasks.core.corpus.compressions import COMPRESSIONS
from tasks.core.corpus.faults import parquet_errors_named
from tasks.core.corpus.labelled.delimited import TEXT_DELIMITERS, data_suffix, read_text_columns, text_column_names
from tasks.core.corpus.logical_types import plain
from tasks.core.round.sections import LabelledData

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


def is_text(path: Path) -> bool:
    """Say whether the file holds delimited text."""
    return data_suffix(path) in TEXT_DELIMITERS


def is_known(path: Path) -> bool:
    """Say whether the file's suffix is one that can be read."""
    return is_text(path) or data_suffix(path) in PARQUET_SUFFIXES


def read_columns(path: Path, data: LabelledData, wanted: dict[str, str]) -> pa.Table:
    """Read the columns that `wanted` names by role; those of text files are strings, blanks as they are.

    Raises:
        InputDataError: a suffix that is not known, a file that cannot be read, or a column that is not there.
    """
    _require_known(path)
    return read_text_columns(path, data, wanted) if is_text(path) else _read_parquet(path, wanted)


def column_names(path: Path, data: LabelledData) -> list[str]:
    """Return the names of a labelled file's columns.

    Raises:
        InputDataError: a suffix that is not known, or a file that cannot be read.
    """
    _require_known(path)
    return text_column_names(path, data) if is_text(path) else list(read_schema(path).names)


def _require_known(path: Path) -> None:
    if not is_known(path):
        allowed = ", ".join((*PARQUET_SUFFIXES, *TEXT_DELIMITERS))
        raise InputDataError(
            f"labelled data is read by its suffix, but {path} has '{data_suffix(path)}'; allowed are {allowed}, and "
            f"for text {', '.join(COMPRESSIONS)} after them. Rename or convert the file."
            f"{_how_to_convert(path)}"
        )


def _how_to_convert(path: Path) -> str:
    if data_suffix(path) not in JSON_SUFFIXES:
        return ""
    code = f"p.write_table(j.read_json('{path.name}'), '{path.name.split('.')[0]}.parquet')"
    return f' Of JSON Lines this makes Parquet:\n  python -c "import pyarrow.json as j, pyarrow.parquet as p; {code}"'


def _read_parquet(path: Path, wanted: dict[str, str]) -> pa.Table:
    columns = resolve_columns(path, read_schema(path).names, wanted)
    with parquet_errors_named(path):
        table = read_parquet(path, sorted(set(columns.values())))
        return pa.table({role: plain(table[column]) for role, column in columns.items()})

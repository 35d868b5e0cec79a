"""Check columns of data files: the wanted ones are there, ids were never floats, texts are strings."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError
from tasks.core.base.parquet import read_parquet
from tasks.core.corpus.faults import parquet_errors_named

EXACT_FLOAT_LIMIT = float(2**53)
"""From here on a float64 cannot tell neighbouring integers apart."""
FLOAT_NOTATION = re.compile(r"[+-]?(\d+\.0*|\d+\.\d*[eE][+-]?\d+|\d+(,\d+)?[eE][+-]\d+)")
"""It finds `2.71e+17`, `123.0` and `2,71E+17`; not `7123e45`, perhaps hexadecimal, nor arXiv's `0704.0001`."""
SHOWN_IDS = 3
SHARED_ROLES = "where "
"""Columns with roles that begin so may have another role as well."""


def read_schema(path: Path) -> pa.Schema:
    """Return a Parquet file's columns; raises what `read_footer` raises."""
    return read_footer(path)[0]


def read_footer(path: Path) -> tuple[pa.Schema, pq.FileMetaData]:
    """Return a Parquet file's columns and the rest of its footer, with one look at the file.

    Raises:
        TornFileError: the file is not a whole Parquet file.
        UnreadableFileError: the file cannot be read here.
    """
    with parquet_errors_named(path), pq.ParquetFile(path) as file:
        return file.schema_arrow, file.metadata


def check_columns(path: Path, schema: pa.Schema, wanted: dict[str, str]) -> None:
    """Check that columns are there, and that ids and texts have types that can be carried through.

    `wanted` maps a column's role (`id`, `text`, ...) to its name.

    Raises:
        InputDataError: a column is missing, ids are neither integers nor strings, or texts are not strings.
    """
    twice = sorted({column for column in wanted.values() if schema.names.count(column) > 1})
    if twice:
        raise InputDataError(f"{path} has several columns called '{twice[0]}'; rename them, so that one is meant")
    if len(set(wanted.values())) < len(wanted):
        raise InputDataError(f"the round file names one column of {path} for two purposes: {wanted}")
    for role, column in wanted.items():
        if column not in schema.names:
            raise InputDataError(
                f"{path} has no column '{column}', which the round file names as its {role} column. "
                f"It has: {', '.join(schema.names)}"
            )
    id_column = wanted["id"]
    check_id_type(path, id_column, schema.field(id_column).type, lambda: read_parquet(path, [id_column])[0])
    text = schema.field(wanted["text"])
    if not is_string(text.type):
        raise InputDataError(f"the text column '{text.name}' of {path} has type {text.type}; it must hold strings")


def check_id_type(path: Path, column: str, type_: pa.DataType, read: Any) -> None:
    """Raise InputDataError unless ids are integers or strings; `read` is called for the ids when they are floats."""
    if pa.types.is_integer(type_) or is_string(type_):
        return
    lost = f": {_lost_ids(read().cast(pa.float64()).to_pylist())}" if pa.types.is_floating(type_) else ""
    raise InputDataError(
        f"the id column '{column}' of {path} has type {type_}; ids must be integers or strings{lost}. "
        "Write the ids again from their source: converting this column would keep the damage."
    )


def check_id_strings(path: Path, column: str, ids: list[str | None]) -> None:
    """Raise InputDataError when ids are written as floats are, `2.71832489310437e+17` or `123.0`."""
    floats = [id_ for id_ in ids if id_ is not None and FLOAT_NOTATION.fullmatch(id_.strip())]
    if floats:
        lost = _lost_ids([float(id_.replace(",", ".")) for id_ in floats])
        raise InputDataError(
            f"{len(floats)} of {len(ids)} ids in column '{column}' of {path} are written as floats, such as "
            f"{floats[:SHOWN_IDS]}; of these, {lost}. Write the ids again from their source, as text: the digits that "
            "are missing here cannot be brought back."
        )


def is_string(type_: pa.DataType) -> bool:
    """Say whether a column's type is one of Arrow's string types."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _lost_ids(ids: list[float | None]) -> str:
    """Say how many float ids no longer tell neighbours apart, with examples."""
    lost = [id_ for id_ in ids if id_ is not None and abs(id_) >= EXACT_FLOAT_LIMIT]
    examples = f" ({', '.join(map(repr, lost[:SHOWN_IDS]))})" if lost else ""
    return f"{len(lost)} of {len(ids)} ids are beyond 2^53 and no longer exact{examples}"


def resolve_columns(path: Path, names: list[str], wanted: dict[str, str]) -> dict[str, str]:
    """Find the columns that `wanted` names by role: by their names, else without regard to case.

    Raises:
        InputDataError: a column is missing, is there twice, or has two roles that may not share one.
    """
    columns = {role: _find(path, names, role, column) for role, column in wanted.items()}
    single = [column for role, column in columns.items() if not role.startswith(SHARED_ROLES)]
    if len(set(single)) < len(single):
        raise InputDataError(f"the round file names one column of {path} for two purposes: {wanted}")
    return columns


def _find(path: Path, names: list[str], role: str, column: str) -> str:
    exact = [name for name in names if name == column]
    alike = exact or [name for name in names if name.casefold() == column.casefold()]
    if len(alike) > 1:
        raise InputDataError(
            f"{path} has several columns called '{column}': {alike}; rename them, so that one is meant"
        )
    if not alike:
        hint = " If the rows have no ids, set labelled_data.id_column to null." if role == "id" else ""
        raise InputDataError(
            f"{path} has no column '{column}', which the round file names as its {role} column. "
            f"It has: {', '.join(names)}.{hint}"
        )
    return alike[0]

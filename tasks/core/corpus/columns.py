"""Check columns of data files: the wanted ones are there, ids were never floats, texts are strings."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError
from tasks.core.base.parquet import read_parquet
from tasks.core.base.spelling import nearest
from tasks.core.corpus.faults import parquet_errors_named
from tasks.core.corpus.logical_types import id_type, is_string

EXACT_FLOAT_LIMIT = float(2**53)
"""From here on a float64 cannot tell neighbouring integers apart."""
FLOAT_NOTATION = r"^\s*[+-]?(\d+\.0*|\d+\.\d*[eE][+-]?\d+|\d+(,\d+)?[eE][+-]\d+)\s*$"
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
    require_columns(path, schema.names, wanted)
    check_id_type(path, wanted["id"], schema.field(wanted["id"]).type, lambda: _read_column(path, wanted["id"]))
    check_text_type(path, wanted["text"], schema.field(wanted["text"]).type)


def check_text_type(path: Path, column: str, type_: pa.DataType) -> None:
    """Raise InputDataError unless texts are strings, or all null."""
    if not is_string(type_) and not pa.types.is_null(type_):
        raise InputDataError(f"the text column '{column}' of {path} has type {type_}; it must hold strings")


def check_id_type(path: Path, column: str, type_: pa.DataType, read: Callable[[], pa.ChunkedArray]) -> None:
    """Raise InputDataError unless ids are integers, strings or all null; `read` is called for those that are floats."""
    if id_type(type_) is not None or pa.types.is_null(type_):
        return
    said = f"the id column '{column}' of {path} has type {type_}; ids must be integers or strings"
    if not pa.types.is_floating(type_):
        raise InputDataError(f"{said}. Correct id_column in the round file, or write the ids as strings.")
    raise InputDataError(f"{said}: {_about_floats(read().cast(pa.float64()).to_pylist())}")


def check_id_strings(path: Path, column: str, ids: pa.ChunkedArray | pa.Array) -> None:
    """Raise InputDataError when ids are written as floats are, `2.71832489310437e+17` or `123.0`."""
    written_so = pc.fill_null(pc.match_substring_regex(ids, FLOAT_NOTATION), False)
    floats = [id_.strip() for id_ in ids.filter(written_so).to_pylist()]
    if floats:
        raise InputDataError(
            f"{len(floats)} of {len(ids)} ids in column '{column}' of {path} are written as floats, such as "
            f"{floats[:SHOWN_IDS]}; of these, {_about_floats([float(id_.replace(',', '.')) for id_ in floats])}"
        )


def _read_column(path: Path, column: str) -> pa.ChunkedArray:
    with parquet_errors_named(path):
        return read_parquet(path, [column])[0]


def _about_floats(ids: list[float | None]) -> str:
    """Say how many float ids no longer tell neighbours apart, with examples, and what to do."""
    lost = [id_ for id_ in ids if id_ is not None and abs(id_) >= EXACT_FLOAT_LIMIT]
    count = f"{len(lost)} of {len(ids)} ids are beyond 2^53"
    if not lost:
        return f"{count}, so that none has lost a digit. Write them as integers, or as text."
    examples = ", ".join(map(repr, lost[:SHOWN_IDS]))
    return (
        f"{count} and no longer exact ({examples}). Write the ids again from their source: to convert the column would "
        "keep the damage."
    )


def resolve_columns(path: Path, names: list[str], wanted: dict[str, str]) -> dict[str, str]:
    """Find the columns that `wanted` names by role: by their names, else without regard to case.

    Raises:
        InputDataError: a column is missing, is there twice, or has two roles that may not share one.
    """
    known = {name.casefold() for name in names}
    require_columns(path, names, {role: column for role, column in wanted.items() if column.casefold() not in known})
    columns = {role: _find(path, names, column) for role, column in wanted.items()}
    single = [column for role, column in columns.items() if not role.startswith(SHARED_ROLES)]
    if len(set(single)) < len(single):
        raise InputDataError(f"the round file names one column of {path} for two purposes: {wanted}")
    return columns


def require_columns(path: Path, names: list[str], wanted: dict[str, str]) -> None:
    """Raise InputDataError, which names them all, where columns that `wanted` names by role are not among the names."""
    missing = {role: column for role, column in wanted.items() if column not in names}
    if not missing:
        return
    said = [
        f"no column '{column}', which the round file names as its {role} column" for role, column in missing.items()
    ]
    meant = "".join(nearest(column, names) for column in missing.values())
    hint = " If the rows have no ids, set labelled_data.id_column to null." if "id" in missing else ""
    raise InputDataError(f"{path} has {', and '.join(said)}. It has: {', '.join(names)}.{meant}{hint}")


def _find(path: Path, names: list[str], column: str) -> str:
    exact = [name for name in names if name == column]
    alike = exact or [name for name in names if name.casefold() == column.casefold()]
    if len(alike) > 1:
        raise InputDataError(
            f"{path} has several columns called '{column}': {alike}; rename them, so that one is meant"
        )
    return alike[0]

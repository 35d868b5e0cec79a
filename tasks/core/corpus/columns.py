"""Check a Parquet file's columns: the wanted ones are there, ids were never floats, texts are strings."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.core.errors import InputDataError

EXACT_FLOAT_LIMIT = float(2**53)
"""From here on a float64 cannot tell neighbouring integers apart."""


def read_schema(path: Path) -> pa.Schema:
    """Return a Parquet file's columns.

    Raises:
        InputDataError: the file is not a whole Parquet file.
    """
    try:
        return pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputDataError(f"{path} is not a whole Parquet file: {error}. Write it again, or move it away.") from None


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
    _check_ids(path, schema.field(wanted["id"]))
    text = schema.field(wanted["text"])
    if not _is_string(text.type):
        raise InputDataError(f"the text column '{text.name}' of {path} has type {text.type}; it must hold strings")


def _check_ids(path: Path, field: pa.Field) -> None:
    if pa.types.is_integer(field.type) or _is_string(field.type):
        return
    lost = f": {_lost_ids(path, field.name)}" if pa.types.is_floating(field.type) else ""
    raise InputDataError(
        f"the id column '{field.name}' of {path} has type {field.type}; ids must be integers or strings{lost}. "
        "Write the ids again from their source: converting this column would keep the damage."
    )


def _lost_ids(path: Path, column: str) -> str:
    """Say how many float ids no longer tell neighbours apart, with examples."""
    ids = pq.read_table(path, columns=[column])[column].cast(pa.float64())
    lost = ids.filter(pc.greater_equal(pc.abs(ids), EXACT_FLOAT_LIMIT))
    examples = ", ".join(repr(value) for value in lost.slice(0, 3).to_pylist())
    return f"{len(lost)} of {len(ids)} ids are beyond 2^53 and no longer exact" + (f" ({examples})" if examples else "")


def _is_string(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))

"""Check that a table has the columns asked for, with ids that were never floats."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.errors import InputDataError

EXACT_FLOAT_LIMIT = 2**53
"""Above this a float64 cannot tell neighbouring integers apart."""


def check_columns(schema: pa.Schema, wanted: dict[str, str], path: Path) -> None:
    """Raise InputDataError when a wanted column is missing; `wanted` maps its role to its name."""
    for role, column in wanted.items():
        if column not in schema.names:
            raise InputDataError(
                f"{path} has no column '{column}', which the round file names as its {role} column. "
                f"It has: {', '.join(schema.names)}"
            )


def check_id_type(field: pa.Field, path: Path) -> None:
    """Raise InputDataError unless the id column holds integers or strings."""
    if pa.types.is_integer(field.type) or pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
        return
    advice = "Write the ids again from their source as integers or strings"
    if pa.types.is_floating(field.type):
        raise InputDataError(
            f"the id column '{field.name}' of {path} holds floats ({field.type}), which cannot carry ids above 2^53. "
            f"{advice}; converting this column would keep the damage."
        )
    raise InputDataError(f"the id column '{field.name}' of {path} has type {field.type}. {advice}.")


def refuse_float_ids(table: pa.Table, id_column: str, path: Path) -> None:
    """Raise InputDataError for a float id column, saying how many ids are already lost."""
    field = table.schema.field(id_column)
    if not pa.types.is_floating(field.type):
        check_id_type(field, path)
        return
    ids = table[id_column].combine_chunks().cast(pa.float64())
    lost = pc.greater_equal(pc.abs(ids), float(EXACT_FLOAT_LIMIT))
    examples = [repr(value) for value in ids.filter(lost).slice(0, 3).to_pylist()]
    count = pc.sum(lost).as_py() or 0
    raise InputDataError(
        f"the id column '{id_column}' of {path} holds floats ({field.type}): {count} of {table.num_rows} ids are "
        f"beyond 2^53 and no longer exact{' (' + ', '.join(examples) + ')' if examples else ''}. "
        "Write the ids again from their source as integers or strings; converting this column would keep the damage."
    )

"""The two tables of a labelling batch: what was drawn, and the texts that go out; each checked before it is written."""

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.logical_types import id_type
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN

METHODS = (
    *("exploit", "explore", "adaptive", "uncertainty_calibrated", "uncertainty", "stratified", "random"),
    "rank_sample",
)
"""A text is drawn in one of these ways; `rank_sample` is evaluation's."""
ID = pa.field(ID_COLUMN, pa.string(), nullable=False)
"""Ids keep the type that they have in the sample: strings stand here for any."""
DRAWS = pa.schema(
    [
        ID,
        pa.field("label", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),
        pa.field(SCORE_COLUMN, pa.float64(), nullable=False),
        pa.field("stage", pa.string()),
        pa.field("stratum", pa.int32()),
        pa.field("inclusion_probability", pa.float64(), nullable=False),
    ]
)
TEXTS = pa.schema(
    [
        ID,
        pa.field("text", pa.string(), nullable=False),
        pa.field("labels", pa.list_(pa.string()), nullable=False),
        pa.field("author", pa.string()),
    ]
)


def conform(table: pa.Table, schema: pa.Schema, what: str) -> pa.Table:
    """Return the table with the columns, types and order of `schema`; ids keep theirs.

    Raises:
        InputDataError: a column is missing or too much, of a type that cannot become the schema's, or holds nulls.
    """
    if set(table.column_names) != set(schema.names):
        raise InputDataError(f"{what} must have the columns {schema.names}, but have {table.column_names}")
    ids = id_type(table.schema.field(ID.name).type)
    if ids is None:
        raise InputDataError(
            f"the ids of {what} have type {table.schema.field(ID.name).type}; they must be integers or strings, as "
            "they are in the sample. Floats have lost digits: join the ids anew from the sample."
        )
    blank = [field.name for field in schema if not field.nullable and table[field.name].null_count]
    if blank:
        raise InputDataError(f"{what} have nulls in {blank}; allowed are nulls in stage, stratum and author")
    wanted = pa.schema([ID.with_type(ids), *list(schema)[1:]])
    try:
        return table.select(wanted.names).cast(wanted)
    except (pa.ArrowException, ValueError) as error:
        raise InputDataError(f"{what} cannot be written with the columns {wanted.names}: {error}") from None


def check_draws(draws: pa.Table) -> None:
    """Raise InputDataError for a draw of no known method, without a score, or of an impossible probability."""
    unknown = sorted(set(draws["method"].to_pylist()) - set(METHODS))
    if unknown:
        raise InputDataError(f"draws were made by {unknown}; allowed are {list(METHODS)}")
    if not _all(pc.is_finite(draws[SCORE_COLUMN])):
        raise InputDataError("draws have scores that are NaN or infinite; score the sample again before sampling")
    chance = draws["inclusion_probability"]
    if not _all(pc.and_(pc.greater(chance, 0), pc.less_equal(chance, 1))):
        low, high = pc.min_max(chance).as_py().values()
        raise InputDataError(
            f"inclusion probabilities reach from {low} to {high}; each must be above 0 and at most 1, for estimates "
            "divide by them"
        )


def check_texts(texts: pa.Table, draws: pa.Table) -> None:
    """Raise InputDataError unless each drawn text goes out once, with just the labels that it was drawn for."""
    ids = texts[ID_COLUMN].to_pylist()
    if len(set(ids)) < len(ids):
        twice = next(id_ for id_ in ids if ids.count(id_) > 1)
        raise InputDataError(f"the text {twice!r} stands twice among the texts; a text goes out once, with all labels")
    wanted: dict[object, set[str]] = {id_: set() for id_ in ids}
    for id_, label in zip(draws[ID_COLUMN].to_pylist(), draws["label"].to_pylist(), strict=True):
        if id_ not in wanted:
            raise InputDataError(f"the text {id_!r} was drawn for {label}, but is not among the texts that go out")
        wanted[id_].add(label)
    for id_, labels in zip(ids, texts["labels"].to_pylist(), strict=True):
        if sorted(wanted[id_]) != sorted(labels):
            raise InputDataError(f"the text {id_!r} goes out for {labels}, but was drawn for {sorted(wanted[id_])}")


def _all(values: pa.ChunkedArray) -> bool:
    return bool(pc.all(values, min_count=0).as_py())

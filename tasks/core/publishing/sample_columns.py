"""A column of a shard's rows, beside their ids."""

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import read_schema
from tasks.core.corpus.sample.reading import read_rows
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.planned_rows import require_planned


def read_columns(plan: Plan, shard: Shard, name: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return a shard's ids and what they have in a column of the sample, as text; rows that lack either are left out.

    Raises:
        InputDataError: the sample has no such column, or one of values that are no texts.
        RunFolderError: the file is not the one that was planned.
    """
    require_planned(plan, shard)
    path = plan.input_path(shard)
    known = read_schema(path).names
    if name not in known:
        raise InputDataError(
            f"publishing.columns names '{name}', but {path} has the columns {known}. Take it out, or correct it."
        )
    rows = read_rows(path, shard.start, shard.stop, plan.inputs.id_column, name)
    try:
        values = rows["text"].cast(pa.string())
    except pa.ArrowException as error:
        raise InputDataError(f"column '{name}' of {path} cannot be published as text: {error}") from None
    whole = pc.and_(pc.is_valid(rows["id"]), pc.is_valid(values))
    return rows["id"].filter(whole), values.filter(whole)

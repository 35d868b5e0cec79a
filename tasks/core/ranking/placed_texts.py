"""The texts of ranked rows by their places, and what other labels' parts say of these rows.

A row's shard and its place in the part say which row of which file of the sample it is. So no id is looked for, however
large the sample is, and of several rows with one id each has its own text.
"""

from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import RunFolderError
from tasks.core.corpus.sample.reading import decode_texts, read_rows
from tasks.core.ranking.row_texts import TEXT
from tasks.core.ranking.scan import ROW, SHARD, side_by_side
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.part_groups import read_groups
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN, STAGE_COLUMN, score_columns
from tasks.core.runs.plan import Plan
from tasks.core.runs.shards.planned_rows import read_shard, require_planned
from tasks.core.runs.shards.receipts import read_receipt
from tasks.core.runs.shards.scorable_rows import part_rows

Rows = NDArray[np.int64]


def with_own_texts(placed: pa.Table, plan: Plan, folder: RunFolder) -> pa.Table:
    """Return rows of `Ranked.top_placed` with the column `text`, from the files that the plan names.

    Raises:
        RunFolderError: a file of the sample is no longer the one that was scored.
    """
    if not placed.num_rows:
        return placed.append_column(TEXT, pa.array([], pa.large_string()))
    found = _by_shard(placed, partial(_read_texts, plan, folder))
    ids = pa.chunked_array([placed[ID_COLUMN].combine_chunks()])
    if not found["id"].cast(ids.type).equals(ids):
        raise RunFolderError(
            f"the sample below {plan.sample_root} has other ids in the rows that run {plan.run_id} scored: it was "
            "changed since. Put it back, or run the inference flow again."
        )
    return placed.append_column(TEXT, found[TEXT])


def scores_beside(placed: pa.Table, plan: Plan, folder: RunFolder, label: str) -> pa.Table:
    """Return another label's score and stage of some rows of `Ranked.top_placed`, in their order; a stage may be null.

    Raises:
        RunFolderError: a part cannot be read.
    """
    names = [name for name in score_columns(plan) if name != ID_COLUMN]
    found = _by_shard(placed, partial(_read_scores, folder, label, names))
    if STAGE_COLUMN not in names:
        found = found.append_column(STAGE_COLUMN, pa.nulls(found.num_rows, pa.string()))
    return found.select([SCORE_COLUMN, STAGE_COLUMN])


def _by_shard(placed: pa.Table, read: "partial[pa.Table]") -> pa.Table:
    """Read what there is of rows, shard by shard, and return it in the order of the rows."""
    shards, rows = placed[SHARD].to_numpy(), placed[ROW].to_numpy()
    order = np.lexsort((rows, shards))
    numbers, starts = np.unique(shards[order], return_index=True)
    groups = zip(numbers.tolist(), np.split(rows[order], starts[1:]), strict=True)
    tables = list(side_by_side(lambda group: read(*group), groups))
    return pa.concat_tables(tables, promote_options="permissive").take(pa.array(np.argsort(order)))


def _read_texts(plan: Plan, folder: RunFolder, number: int, rows: Rows) -> pa.Table:
    """Return id and text of rows of a part, which are sorted: rows that were quarantined are not counted in it."""
    shard, receipt = plan.shards[number], read_receipt(folder, number)
    if receipt is None or receipt.rows_quarantined:
        found = part_rows(read_shard(plan, shard))[0].take(pa.array(rows))
    else:
        require_planned(plan, shard)
        first, stop = shard.start + int(rows[0]), shard.start + int(rows[-1]) + 1
        read = read_rows(plan.input_path(shard), first, stop, plan.inputs.id_column, plan.inputs.text_column)
        found = read.take(pa.array(rows - rows[0]))
    return pa.table({"id": found["id"], TEXT: pa.array(decode_texts(found[TEXT]), pa.large_string())})


def _read_scores(folder: RunFolder, label: str, names: list[str], number: int, rows: Rows) -> pa.Table:
    tables = []
    for group in read_groups(folder.output_path(label, number), rows=rows):
        inside = rows[(rows >= group.first) & (rows < group.first + len(group.scores))]
        tables.append(group.take(inside - group.first, names))
    return pa.concat_tables(tables)

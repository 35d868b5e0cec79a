"""A shard's rows, read only when they are the ones that were planned."""

import hashlib

import pyarrow as pa

from tasks.core.base.errors import RunFolderError
from tasks.core.corpus.sample.listing import file_digest
from tasks.core.corpus.sample.reading import read_rows
from tasks.core.runs.plan import Plan, Shard


def read_shard(plan: Plan, shard: Shard) -> pa.Table:
    """Return the shard's rows as columns `id` and `text`.

    Raises:
        RunFolderError: the file is not the planned one, before or after it was read.
    """
    require_planned(plan, shard)
    rows = read_rows(plan.input_path(shard), shard.start, shard.stop, plan.inputs.id_column, plan.inputs.text_column)
    require_planned(plan, shard)
    return rows


def sha256_of_rows(rows: pa.Table) -> str:
    """Return the sha256 of the rows' content, as one Arrow stream."""
    sink = pa.BufferOutputStream()
    table = rows.combine_chunks()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def require_planned(plan: Plan, shard: Shard) -> None:
    """Raise RunFolderError unless the shard's file is the one that was planned."""
    path = plan.input_path(shard)
    if not path.is_file() or file_digest(path) != plan.inputs.file_digests[shard.file]:
        raise RunFolderError(
            f"{path} is no longer the file that run {plan.run_id} was planned for. Put it back, or run the inference "
            "flow again: a changed sample is a run of its own."
        )

"""A shard's rows, read only when they are the ones that were planned.

A file is the planned one by its footer and its time of change. Rows that are exchanged keep the footer, and whoever
likes can set the time back; so the sha256 of the rows, taken when a shard is read first, decides when it is read again.
It is read again where the inode's own time of change, which cannot be set, says that something may have happened.
"""

import hashlib
from pathlib import Path

import pyarrow as pa

from tasks.core.base.errors import RunFolderError
from tasks.core.corpus.logical_types import is_blank, is_string
from tasks.core.corpus.sample.id_types import first_id_type
from tasks.core.corpus.sample.listing import file_digest
from tasks.core.corpus.sample.reading import decode_texts, read_rows
from tasks.core.runs.plan import Plan, Shard

FileState = tuple[int, int]
"""A file's time of change, and its inode's, in nanoseconds of the epoch."""


def state_of(path: Path) -> FileState | None:
    """Return a file's state, or None when there is no such file."""
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stat.st_mtime_ns, stat.st_ctime_ns


def read_shard(plan: Plan, shard: Shard, as_stored: bool = False) -> pa.Table:
    """Return the shard's rows as columns `id` and `text`; see `read_rows` for `as_stored`.

    Raises:
        RunFolderError: the file is not the planned one, before or after it was read.
    """
    require_planned(plan, shard)
    columns = plan.inputs.id_column, plan.inputs.text_column
    rows = read_rows(plan.input_path(shard), shard.start, shard.stop, *columns, as_stored)
    require_planned(plan, shard)
    return rows if as_stored or not _lacks_ids(rows) else _with_type_of_all(plan, shard, rows)


def _lacks_ids(rows: pa.Table) -> bool:
    return bool(rows["id"].null_count == rows.num_rows)


def _with_type_of_all(plan: Plan, shard: Shard, rows: pa.Table) -> pa.Table:
    """Return rows without an id, with the type of their file's ids or, where it has none, of the others'."""
    paths = (Path(plan.sample_root) / name for name in (shard.file, *plan.inputs.file_digests))
    type_ = first_id_type(paths, plan.inputs.id_column) or rows["id"].type
    return rows.set_column(0, "id", pa.chunked_array([pa.nulls(rows.num_rows, type_)]))


def holds_blank_ids(rows: pa.Table) -> bool:
    """Say whether an id is blank though it is not null: such rows are quarantined."""
    return is_string(rows["id"].type) and any(is_blank(id_) for id_ in decode_texts(rows["id"]) if id_ is not None)


def sha256_of_rows(rows: pa.Table) -> str:
    """Return the sha256 of the rows' content, as one Arrow stream."""
    sink = pa.BufferOutputStream()
    table = rows.combine_chunks()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def are_rows_of(plan: Plan, shard: Shard, rows: pa.Table, sha256: str) -> bool:
    """Say whether the shard's rows have the sha256 of a receipt; 0.1.0 took it of ids as they are stored."""
    return sha256_of_rows(rows) == sha256 or sha256_of_rows(read_shard(plan, shard, as_stored=True)) == sha256


def require_planned(plan: Plan, shard: Shard) -> None:
    """Raise RunFolderError unless the shard's file is the one that was planned."""
    path = plan.input_path(shard)
    if not is_planned(plan, shard):
        raise RunFolderError(
            f"{path} is no longer the file that run {plan.run_id} was planned for. Put it back, or run the inference "
            "flow again: a changed sample is a run of its own, which takes over what was scored from the same rows."
        )


def is_planned(plan: Plan, shard: Shard) -> bool:
    """Say whether the shard's file has the planned footer and time of change."""
    path, planned_ns = plan.input_path(shard), plan.inputs.changed_ns.get(shard.file, 0)
    state = state_of(path) if path.is_file() else None
    if state is None or (planned_ns and state[0] != planned_ns):
        return False
    return file_digest(path) == plan.inputs.file_digests[shard.file]

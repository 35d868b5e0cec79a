"""How many rows of a run have an id that an earlier row has, and which ids two runs share, found out of core."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb

from tasks.core.base.errors import RunFolderError
from tasks.core.base.threads import cpu_threads
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import ID_COLUMN, list_parts, stream_ids
from tasks.core.runs.plan import Plan

COUNTED_ROWS = 1_000_000_000
"""Ids of more rows are not counted: it would take hours and as much disk as the ids themselves."""
MEMORY_LIMIT = "1GB"
"""The count may take so much memory; what does not fit is kept in the run folder while it runs."""
THREADS = 8
"""The count has at most so many threads: each takes some MiB of the limit before it counts anything."""
QUERY = f"""
    select coalesce(sum(rows - 1), 0)::bigint
    from (select count(*) as rows from ids where {ID_COLUMN} is not null group by {ID_COLUMN})
"""  # noqa: S608 - made of a name that stands here

SHARED = f"""
    select {ID_COLUMN}::varchar from streamed
    where {ID_COLUMN}::varchar in (select {ID_COLUMN}::varchar from held) limit ?
"""  # noqa: S608 - made of a name that stands here


def count_duplicate_ids(plan: Plan, folder: RunFolder, quarantines: Sequence[int]) -> int | None:
    """Return how many rows have an id that an earlier row of the run has; each of them is scored or quarantined.

    None where the run has more than COUNTED_ROWS rows. `quarantines` are the shards that have quarantined rows.

    Of all labels' parts, which have the same ids, those of the first are read, and the quarantine. Rows without an id
    are not counted.

    Raises:
        RunFolderError: parts cannot be read, or there is no room for the ids.
    """
    if plan.rows > COUNTED_ROWS:
        return None
    paths = list_parts(plan, folder, plan.engines[0].label)
    paths += [folder.quarantine_path(number) for number in quarantines]
    if not paths:
        return 0
    with _out_of_core(folder) as connection:
        # Through Arrow: DuckDB's own reader refuses a whole file if one id in it is not UTF-8.
        connection.register("ids", stream_ids(paths))
        ((count,),) = connection.execute(QUERY).fetchall()
    return int(count)


def shared_ids(first: tuple[Plan, RunFolder], second: tuple[Plan, RunFolder], at_most: int) -> list[str]:
    """Return some ids, as texts, that rows scored in one run share with rows scored in another.

    The ids of the smaller run are held, on disk where they do not fit into memory, and those of the other stream by.

    Raises:
        RunFolderError: parts cannot be read, or there is no room for the ids.
    """
    held, streamed = sorted((first, second), key=lambda run: run[0].rows)
    with _out_of_core(held[1]) as connection:
        for name, (plan, folder) in (("held", held), ("streamed", streamed)):
            connection.register(name, stream_ids(list_parts(plan, folder, plan.engines[0].label)))
        found = connection.execute(SHARED, [at_most]).fetchall()
    return [str(id_) for (id_,) in found]


@contextmanager
def _out_of_core(folder: RunFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB that keeps in the run folder, while it is open, what does not fit into its memory."""
    with TemporaryDirectory(".tmp", ".duplicate-ids-", folder.path) as spill:
        settings = {"memory_limit": MEMORY_LIMIT, "temp_directory": spill, "threads": str(min(THREADS, cpu_threads()))}
        with duckdb.connect(config={**settings}) as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise RunFolderError(
                    f"the ids of {folder.path} could not be counted: {str(error).splitlines()[0]} Nothing is lost: see "
                    "that the folder can be read and has room, and run the flow again."
                ) from error

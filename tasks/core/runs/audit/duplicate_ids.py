"""How many rows of a run have an id that an earlier row has, found out of core."""

from tempfile import TemporaryDirectory

import duckdb

from tasks.core.base.threads import cpu_threads
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import ID_COLUMN, stream_ids
from tasks.core.runs.plan import Plan
from tasks.core.runs.receipts import Receipt

MEMORY_LIMIT = "1GB"
"""Of the count; what does not fit is kept in the run folder while it runs."""
THREADS = 8
"""At most: each takes some MiB of the limit before it counts anything."""
QUERY = f"""
    select coalesce(sum(rows - 1), 0)::bigint
    from (select count(*) as rows from ids where {ID_COLUMN} is not null group by {ID_COLUMN})
"""  # noqa: S608 - made of a name that stands here


def count_duplicate_ids(plan: Plan, folder: RunFolder, receipts: list[Receipt]) -> int:
    """Return how many rows have an id that an earlier row of the run has; each of them is scored or quarantined.

    Of all labels' parts, which have the same ids, those of the first are read, and the quarantine. Rows without an id
    are not counted.
    """
    paths = [folder.output_path(plan.engines[0].label, receipt.shard) for receipt in receipts]
    paths += [folder.quarantine_path(receipt.shard) for receipt in receipts if receipt.rows_quarantined]
    if not paths:
        return 0
    with TemporaryDirectory(".tmp", ".duplicate-ids-", folder.path) as spill:
        settings = {"memory_limit": MEMORY_LIMIT, "temp_directory": spill, "threads": str(min(THREADS, cpu_threads()))}
        with duckdb.connect(config={**settings}) as connection:
            # Through Arrow: DuckDB's own reader refuses a whole file if one id in it is not UTF-8.
            connection.register("ids", stream_ids(paths))
            ((count,),) = connection.execute(QUERY).fetchall()
    return int(count)

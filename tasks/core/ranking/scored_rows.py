"""The rows that are ranked, as DuckDB sorts them: out of core, and only those of the parts that can hold them."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.base.naming.run_names import ranking_spill
from tasks.core.base.threads import cpu_threads
from tasks.core.ranking.places import ALL, place_numbers
from tasks.core.ranking.population import Population, Wanted
from tasks.core.ranking.rows_above import rows_above
from tasks.core.ranking.scan import NUMBER, ROW, SHARD, scan_rows_in, scan_rows_numbered
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN
from tasks.core.runs.score_bins import bins_of

Integers = NDArray[np.int64]
PLACES = (pa.field(SHARD, pa.int64()), pa.field(ROW, pa.int64()))
IN_ORDER = f"""
    select * from found
    order by {SCORE_COLUMN} desc, {ID_COLUMN}, {SHARD}, {ROW} limit $limit offset $offset
"""  # noqa: S608 - made of names that stand in Winnow
BEFORE = f"""
    select place, count(*) as before
    from found join asked using ({SCORE_COLUMN})
    where found.{ID_COLUMN} < asked.{ID_COLUMN} or (found.{ID_COLUMN} = asked.{ID_COLUMN}
        and (found.{SHARD} < asked.{SHARD} or (found.{SHARD} = asked.{SHARD} and found.{ROW} < asked.{ROW})))
    group by place
"""  # noqa: S608 - made of names that stand in Winnow
LEAST_GIB = 0.5
SHARE_OF_DUCKDB = 0.5
"""DuckDB may take so much of the memory; the rest is for what is read at once, and for what is returned."""


@dataclass(frozen=True)
class ScoredRows:
    """The rows of a population, and the DuckDB that sorts them."""

    population: Population
    schema: pa.Schema
    """These columns are read of each row."""
    connection: duckdb.DuckDBPyConnection

    def none(self) -> pa.Table:
        """Return no rows, with the columns of their places."""
        return self._placed.empty_table()

    @property
    def _placed(self) -> pa.Schema:
        return pa.schema([*self.schema, *PLACES])

    def in_order(self, wanted: Wanted, offset: int, limit: int) -> pa.Table:
        """Return rows of some bins in their order, with their places: `limit` of them, after the first `offset`."""
        self._read("found", scan_rows_in(self.population.parts, wanted, self.schema.names))
        found = self.connection.sql(IN_ORDER, params={"limit": limit, "offset": offset}).to_arrow_table()
        return found.select(self._placed.names).cast(self._placed)

    def numbered(self, wanted: Wanted, key: str, share: float) -> pa.Table:
        """Return those rows of some bins that have the lowest numbers: about that share of them."""
        below = min(ALL, int(share * ALL) + 1)
        rows = scan_rows_numbered(
            self.population.parts,
            wanted,
            self.schema.names,
            lambda part: place_numbers(key, part.name, part.rows),
            below,
        )
        schema = self._placed.append(pa.field(NUMBER, pa.uint64()))
        return pa.concat_tables([schema.empty_table(), *rows])

    def ranks_of(self, rows: pa.Table) -> Integers:
        """Return the exact ranks of rows that have their places; what shares a score with one is counted, not kept."""
        scores, parts = rows[SCORE_COLUMN].to_numpy(), self.population.parts
        distinct = np.unique(scores)
        wanted = Wanted(bins_of(distinct))
        above, sharing = rows_above(self.population, wanted, distinct)
        at = np.searchsorted(distinct, scores)
        ranks, shared = above[at] + 1, sharing > 1
        if shared.any():
            wanted = Wanted(bins_of(distinct[shared]))
            self._read("found", scan_rows_in(parts, wanted, self.schema.names, distinct[shared]))
            asked = rows.select([SCORE_COLUMN, ID_COLUMN, SHARD, ROW])
            asked = asked.append_column("place", pa.array(np.arange(rows.num_rows)))
            self.connection.register("asked", asked.filter(pa.array(shared[at])))
            found = self.connection.sql(BEFORE).to_arrow_table()
            ranks[found["place"].to_numpy()] += found["before"].to_numpy()
        return np.asarray(ranks)

    def _read(self, name: str, tables: Iterable[pa.Table]) -> None:
        batches = (batch for table in tables for batch in table.to_batches())
        self.connection.register(name, pa.RecordBatchReader.from_batches(self._placed, batches))


@contextmanager
def sorting(place: Path, memory_gib: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB with a memory limit, which keeps what does not fit below `place` until it is closed.

    Raises:
        InputDataError: there is too little memory to sort anything.
        RunFolderError: there is no room for what does not fit into memory, or it was removed.
    """
    if memory_gib < LEAST_GIB:
        raise InputDataError(f"memory_gib is {memory_gib}, but ranking needs {LEAST_GIB} at least.")
    spill = place / ranking_spill()
    settings = {
        "memory_limit": f"{memory_gib * SHARE_OF_DUCKDB:.3f}GiB",
        "temp_directory": str(spill),
        "threads": str(cpu_threads()),
        "preserve_insertion_order": "false",
        "disabled_optimizers": "join_order,build_side_probe_side",  # a join keeps what it names last, streams the first
    }
    try:
        with duckdb.connect(config={**settings}) as connection:
            yield connection
    except duckdb.Error as error:
        raise RunFolderError(
            f"rows of {place} could not be sorted: {str(error).splitlines()[0]} Give ranking more memory than "
            f"{memory_gib} GiB, or see that {place} has room and may be written to."
        ) from error
    finally:
        shutil.rmtree(spill, ignore_errors=True)

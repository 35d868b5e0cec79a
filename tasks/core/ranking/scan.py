"""Read what is wanted of many parts: several at once, only the row groups that can hold it, ids only where it is."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.threads import cpu_threads
from tasks.core.ranking.population import CountedPart, Wanted
from tasks.core.runs.part_groups import altered, read_groups
from tasks.core.runs.parts import SCORE_COLUMN

SHARD, ROW, NUMBER = "shard", "row", "number"
"""A row is found again by its shard and its place in the part; draws give it a number."""
READ_AT_ONCE = 8
Found = TypeVar("Found")
Item = TypeVar("Item")
Choice = Callable[[CountedPart], NDArray[np.uint64]]


def side_by_side(work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
    """Yield what the work makes of each item, in their order; a few are worked on at once, and few wait."""
    at_once = min(cpu_threads(), READ_AT_ONCE)
    with ThreadPoolExecutor(at_once) as pool:
        ahead: deque[Future[Found]] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > at_once:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def scan_scores_in(parts: Sequence[CountedPart], wanted: Wanted) -> Iterator[NDArray[np.float64]]:
    """Yield the scores of each part that lie in some bins."""

    def scores_of(part: CountedPart) -> NDArray[np.float64]:
        groups = read_groups(part.path, wanted.may_hold)
        found = [group.scores[wanted.find(group.scores)] for group in groups]
        scores = np.concatenate(found) if found else np.empty(0)
        _require_all(part, wanted, len(scores))
        return scores

    yield from side_by_side(scores_of, [part for part in parts if wanted.rows_of(part)])


def scan_rows_in(
    parts: Sequence[CountedPart], wanted: Wanted, columns: Sequence[str], scores: NDArray[np.float64] | None = None
) -> Iterator[pa.Table]:
    """Yield each part's rows in some bins, or of them those that have one of the sorted `scores`."""

    def rows_of(part: CountedPart) -> pa.Table | None:
        found, count = [], 0
        for group in read_groups(part.path, wanted.may_hold):
            at = wanted.find(group.scores)
            count += len(at)
            if scores is not None:
                near = np.searchsorted(scores, group.scores[at])
                at = at[scores[np.minimum(near, len(scores) - 1)] == group.scores[at]]
            if len(at):
                found.append(_placed(group.take(at, columns), part, group.first + at))
        _require_all(part, wanted, count)
        return pa.concat_tables(found) if found else None

    tables = side_by_side(rows_of, [part for part in parts if wanted.rows_of(part)])
    yield from (table for table in tables if table is not None)


def scan_rows_numbered(
    parts: Sequence[CountedPart], wanted: Wanted, columns: Sequence[str], choice: Choice, below: int
) -> Iterator[pa.Table]:
    """Yield each part's rows in some bins whose number, as `choice` gives it to each row, is below `below`."""

    def rows_of(part: CountedPart) -> pa.Table | None:
        numbers = choice(part)
        chosen = np.flatnonzero(numbers <= np.uint64(below - 1))
        found = []
        for group in read_groups(part.path, wanted.may_hold, chosen):
            first, last = np.searchsorted(chosen, [group.first, group.first + len(group.scores)])
            at = chosen[first:last] - group.first
            at = at[wanted.find(group.scores[at])]
            if len(at):
                rows = group.first + at
                found.append(_placed(group.take(at, columns), part, rows).append_column(NUMBER, [numbers[rows]]))
        return pa.concat_tables(found) if found else None

    tables = side_by_side(rows_of, [part for part in parts if wanted.rows_of(part)])
    yield from (table for table in tables if table is not None)


def _placed(table: pa.Table, part: CountedPart, rows: NDArray[np.int64]) -> pa.Table:
    shards = pa.array(np.full(len(rows), part.shard, dtype=np.int64))
    return table.append_column(SHARD, shards).append_column(ROW, pa.array(rows))


def _require_all(part: CountedPart, wanted: Wanted, found: int) -> None:
    if found != wanted.rows_of(part):
        raise altered(
            part.path, f"it has {found} rows where {wanted.rows_of(part)} were counted in the bins of {SCORE_COLUMN}s"
        )

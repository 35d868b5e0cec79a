"""Read a part row group by row group: scores first, and the other columns only of rows that are wanted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.base.errors import RunFolderError
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN, STAGE_COLUMN, score_columns
from tasks.core.runs.plan import Plan

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
MayHold = Callable[[float, float], bool]
"""Says whether a wanted score may lie between two others, both included."""


@dataclass(frozen=True)
class GroupOfRows:
    """A row group of an open part."""

    first: int
    """The first row's place in the part."""
    scores: Floats
    path: Path
    file: pq.ParquetFile
    index: int

    def take(self, rows: Rows, columns: Sequence[str]) -> pa.Table:
        """Return some columns of the rows at these places in the row group; scores are there already.

        Raises:
            RunFolderError: they cannot be read.
        """
        taken = {SCORE_COLUMN: pa.chunked_array([self.scores[rows]])}
        unread = [name for name in columns if name != SCORE_COLUMN]
        with part_errors_named(self.path):
            if unread:
                table = self.file.read_row_group(self.index, columns=unread, use_threads=False).take(pa.array(rows))
                taken |= {name: table[name] for name in unread}
            return pa.table({name: taken[name] for name in columns})


def read_groups(path: Path, may_hold: MayHold | None = None, rows: Rows | None = None) -> Iterator[GroupOfRows]:
    """Yield a part's row groups, or those that may hold a wanted score by their footer, and one of the sorted `rows`.

    Raises:
        RunFolderError: the part cannot be read, or a score in it is no number.
    """
    with part_errors_named(path), pq.ParquetFile(path) as file:
        for index, first in _wanted_groups(file.metadata, may_hold, rows):
            column = file.read_row_group(index, columns=[SCORE_COLUMN], use_threads=False)[SCORE_COLUMN]
            scores = column.to_numpy()
            if np.isnan(scores).any():
                raise altered(path, f"{int(np.isnan(scores).sum())} of its scores are no numbers")
            yield GroupOfRows(first, scores, path, file, index)


def part_schema(plan: Plan, paths: Sequence[Path]) -> pa.Schema:
    """Return the types of the columns that parts of a run have; the first of the parts says of which type ids are.

    Raises:
        RunFolderError: it cannot be read.
    """
    types = {ID_COLUMN: pa.string(), SCORE_COLUMN: pa.float64(), STAGE_COLUMN: pa.string()}
    for path in paths[:1]:
        with part_errors_named(path):
            types[ID_COLUMN] = pq.read_schema(path).field(ID_COLUMN).type
    return pa.schema([(name, types[name]) for name in score_columns(plan)])


@contextmanager
def part_errors_named(path: Path) -> Iterator[None]:
    """Say of what goes wrong while a part is read which part it is.

    Raises:
        RunFolderError: it cannot be read.
    """
    try:
        yield
    except (OSError, KeyError, pa.ArrowException) as error:
        raise altered(path, f"it cannot be read ({str(error).splitlines()[0]})") from error


def altered(path: Path, problem: str) -> RunFolderError:
    """Return the error of a part that is not as its shard wrote it."""
    return RunFolderError(
        f"{path} is not as scoring wrote it: {problem}. Run `winnow verify` on its run folder: it says what to do."
    )


def _wanted_groups(footer: pq.FileMetaData, may_hold: MayHold | None, rows: Rows | None) -> Iterator[tuple[int, int]]:
    """Yield the number and the first row of each row group to read."""
    first = 0
    for index in range(footer.num_row_groups):
        group = footer.row_group(index)
        inside = rows is None or np.searchsorted(rows, first) < np.searchsorted(rows, first + group.num_rows)
        if group.num_rows and inside and (may_hold is None or _may_hold(group, may_hold)):
            yield index, first
        first += group.num_rows


def _may_hold(group: pq.RowGroupMetaData, may_hold: MayHold) -> bool:
    columns = (group.column(place) for place in range(group.num_columns))
    found = next((column.statistics for column in columns if column.path_in_schema == SCORE_COLUMN), None)
    return found is None or not found.has_min_max or may_hold(found.min, found.max)

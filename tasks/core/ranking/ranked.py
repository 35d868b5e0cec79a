"""The ranks of a label's scores in a finished run: exact, out of core, and ties in an order of their own.

Rows are ordered by score from high to low, rows of one score by id, as the sample's type orders ids, and rows of one
score and id by their place in the run. How many rows each bin of scores has says where a rank lies, so that only parts
and row groups are read that can hold a row that is asked for.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.ranking.counted_parts import counted_parts
from tasks.core.ranking.population import Integers, Population, Wanted
from tasks.core.ranking.scan import NUMBER, ROW, SHARD, scan_scores_in
from tasks.core.ranking.scored_rows import ScoredRows, sorting
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.part_groups import part_schema
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN, STAGE_COLUMN, Which
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.score_bins import bins_of

RANK = "rank"
RANKED = (RANK, ID_COLUMN, SCORE_COLUMN, STAGE_COLUMN)
"""The columns of what is returned: `rank` counts from 1; `stage` is null in a run without screening."""
PLACED = (*RANKED, SHARD, ROW)
"""Where a row lies is said, too: in which shard, and in which row of the shard's part."""
MEMORY_GIB = 4.0
SPARE = 6.0
"""So many standard deviations more rows are looked at than a draw wants, that it need hardly ever look again."""


@dataclass(frozen=True)
class Ranked:
    """One label of one finished run; `open_ranked` opens it."""

    label: str
    rows: int
    """So many rows are ranked: all, or those that the expert scored."""
    _scored: ScoredRows = field(repr=False)

    @property
    def bins(self) -> Integers:
        """How many of the rows lie in each bin of scores; see `score_bins`."""
        return self._scored.population.totals

    def top(self, count: int) -> pa.Table:
        """Return the `count` best-scored rows, or all where there are fewer."""
        return self.between(1, count)

    def top_placed(self, count: int) -> pa.Table:
        """Return the same rows with the columns of `PLACED`, by which their texts are found."""
        return self._at(range(1, min(count, self.rows) + 1))

    def between(self, first: int, last: int) -> pa.Table:
        """Return the rows of the ranks `first` to `last`, both included; ranks beyond the last row have none."""
        _require_rank(first)
        return self.at(range(first, min(last, self.rows) + 1))

    def around(self, score: float, above: int, below: int) -> pa.Table:
        """Return the `above` rows next above a score, and the `below` next that have it or a lower one."""
        rank = self.rank_of(score)
        return self.between(max(1, rank - above), rank - 1 + below)

    def at(self, ranks: Sequence[int]) -> pa.Table:
        """Return the rows of some ranks, in the order of the ranks.

        Raises:
            InputDataError: a rank is below 1, or beyond the last row.
        """
        return self._at(ranks).select(list(RANKED))

    def _at(self, ranks: Sequence[int]) -> pa.Table:
        asked = np.unique(np.asarray(ranks, dtype=np.int64))
        if not len(asked):
            return _with_ranks(self._scored.none(), asked)
        _require_rank(int(asked[0]))
        if asked[-1] > self.rows:
            raise InputDataError(f"there is no rank {asked[-1]}: label '{self.label}' has {self.rows} ranked rows.")
        population = self._scored.population
        bins = population.bins_at(asked)
        wanted = Wanted(bins)
        places = asked - population.above[bins] + population.above_in(wanted)[bins] - 1
        found = self._scored.in_order(wanted, int(places[0]), int(places[-1] - places[0]) + 1)
        return _with_ranks(found.take(pa.array(places - places[0])), asked)

    def rank_of(self, score: float) -> int:
        """Return the rank that a text of this score would begin at: 1 and the number of rows above it."""
        if math.isnan(score):
            raise InputDataError("a score that is no number has no rank: give a score such as 0.5.")
        population = self._scored.population
        (bin_,) = bins_of(np.array([score], dtype=np.float64))
        read = sum(int((found > score).sum()) for found in scan_scores_in(population.parts, Wanted([bin_])))
        return 1 + int(population.above[bin_]) + read

    def draw(self, first: int, last: int, count: int, key: str) -> pa.Table:
        """Draw rows among these ranks, each as likely as the others, and return them by rank; all if there are fewer.

        The key and a row's place in the sample's files decide, and not its score: the same key draws the same rows on
        any machine, and `random` the same rows for all labels of a run, and for other runs of the same files and
        shards.
        """
        last = min(last, self.rows)
        _require_rank(first)
        among = max(0, last - first + 1)
        wanted = min(count, among)
        if wanted <= 0:
            return self.between(1, 0)
        low, high = self._scored.population.bins_at([last, first])
        share = (wanted + SPARE * math.sqrt(wanted) + SPARE) / among
        while True:
            found = self._scored.numbered(Wanted(range(low, high + 1)), key, min(share, 1.0))
            ranks = self._scored.ranks_of(found)
            inside = np.flatnonzero((ranks >= first) & (ranks <= last))
            if len(inside) >= wanted:
                return _drawn(found, ranks, inside, wanted).select(list(RANKED))
            share *= 2

    def random(self, count: int, key: str) -> pa.Table:
        """Draw rows among all, each as likely as the others, and return them by rank; see `draw`."""
        return self.draw(1, self.rows, count, key)


@contextmanager
def open_ranked(folder: RunFolder, label: str, which: Which, memory_gib: float = MEMORY_GIB) -> Iterator[Ranked]:
    """Open the ranks of a label; `which` says whether all rows are ranked, or those that the expert scored.

    What does not fit into `memory_gib` is kept in the run folder until it is closed.

    Raises:
        RunFolderError: the plan has no such label, the run is not finished, its folder is not sound, or there is no
            room to sort.
        InputDataError: there is too little memory.
    """
    plan = read_plan(folder)
    population = Population(counted_parts(plan, folder, label, which))
    schema = part_schema(plan, [part.path for part in population.parts])
    with sorting(folder.path, memory_gib) as connection:
        yield Ranked(label, population.rows, ScoredRows(population, schema, connection))


def _drawn(found: pa.Table, ranks: Integers, inside: Integers, wanted: int) -> pa.Table:
    """Return the rows of the lowest numbers among those that lie inside, by rank."""
    order = np.lexsort([found[name].to_numpy()[inside] for name in (ROW, SHARD, NUMBER)])
    chosen = inside[order[:wanted]]
    chosen = chosen[np.argsort(ranks[chosen])]
    return _with_ranks(found.take(pa.array(chosen)), ranks[chosen])


def _with_ranks(rows: pa.Table, ranks: Integers) -> pa.Table:
    stages = rows[STAGE_COLUMN] if STAGE_COLUMN in rows.column_names else pa.nulls(rows.num_rows, pa.string())
    columns = [pa.array(ranks, pa.int64()), rows[ID_COLUMN], rows[SCORE_COLUMN], stages, rows[SHARD], rows[ROW]]
    return pa.table(dict(zip(PLACED, columns, strict=True)))


def _require_rank(first: int) -> None:
    if first < 1:
        raise InputDataError(f"there is no rank {first}: ranks count from 1, which the best-scored row has.")

"""The rows that are ranked, counted by bins of scores: so it is known where a rank lies before a part is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.runs.score_bins import BINS, bins_of, bounds_of

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class CountedPart:
    """A part, and how many of its rows lie in each bin."""

    shard: int
    path: Path
    name: str
    """Draws know the part by this: the digest of the sample's file, and the first row of it."""
    rows: int
    """The part has so many rows, also where not all of them are ranked."""
    bins: Integers
    """These bins have rows that are ranked, in their order."""
    counts: Integers


class Wanted:
    """Some bins: those whose rows are read."""

    def __init__(self, bins: Integers | Sequence[int]) -> None:
        self.mask = np.zeros(BINS, dtype=bool)
        self.mask[np.asarray(bins, dtype=np.int64)] = True
        wanted = np.flatnonzero(self.mask)
        self.lowest, self.highest = bounds_of(wanted[0], wanted[-1]) if len(wanted) else (np.inf, -np.inf)
        self._before = np.concatenate([[0], np.cumsum(self.mask)])

    def rows_of(self, part: CountedPart) -> int:
        """Return how many of a part's rows lie in these bins."""
        return int(part.counts[self.mask[part.bins]].sum())

    def may_hold(self, low: float, high: float) -> bool:
        """Say whether one of these bins may have a score from `low` to `high`."""
        first, last = bins_of(np.array([low, high]))
        return bool(self._before[last + 1] > self._before[first])

    def find(self, scores: NDArray[np.float64]) -> Integers:
        """Return the places of the scores that lie in these bins."""
        near = np.flatnonzero((scores >= self.lowest) & (scores <= self.highest))
        return np.asarray(near[self.mask[bins_of(scores[near])]])


@dataclass(frozen=True)
class Population:
    """All parts of a label."""

    parts: Sequence[CountedPart]

    @cached_property
    def totals(self) -> Integers:
        """How many rows lie in each bin."""
        totals = np.zeros(BINS, dtype=np.int64)
        for part in self.parts:
            totals[part.bins] += part.counts
        return totals

    @cached_property
    def above(self) -> Integers:
        """How many rows lie above each bin."""
        return np.asarray(self._from_top[::-1] - self.totals)

    @property
    def rows(self) -> int:
        """How many rows are ranked."""
        return int(self.totals.sum())

    @cached_property
    def _from_top(self) -> Integers:
        return np.cumsum(self.totals[::-1])

    def bins_at(self, ranks: Integers | Sequence[int]) -> Integers:
        """Return the bin that each rank lies in; ranks count from 1 to the number of rows."""
        return np.asarray(BINS - 1 - np.searchsorted(self._from_top, ranks))

    def above_in(self, wanted: Wanted) -> Integers:
        """Return how many rows of some bins lie above each bin."""
        inside = np.where(wanted.mask, self.totals, 0)
        return np.asarray(np.cumsum(inside[::-1])[::-1] - inside)

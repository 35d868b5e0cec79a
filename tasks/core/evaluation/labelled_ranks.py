"""Labels of a ranking with known probabilities of being drawn, and the cells that they make of its ranks.

A draw takes texts at random from a frame of consecutive ranks. Frames may overlap. Their edges part the ranks into
stretches, and within a stretch every text of all draws together was drawn with the same probability, given how many
fell into it: who knows that number estimates with it (Hajek's ratio within a stretch, post-stratification) rather than
with the number that was planned, as Horvitz and Thompson do, because its variance lacks the chance of how many fall
where. In a stretch that is a frame of one draw the two are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import EvaluationError
from tasks.core.evaluation.count_bounds import Cell

Ranks = NDArray[np.int64]
Answers = NDArray[np.float64]


@dataclass(frozen=True)
class RankDraw:
    """Texts drawn at random, without replacement, from the ranks `first` to `last`."""

    first: int
    last: int
    ranks: Ranks
    answers: Answers
    """Each drawn text is true (1), false (0), or has no answer that counts (NaN)."""

    def __post_init__(self) -> None:
        """Refuse ranks that lie outside the frame, or stand twice."""
        if len(np.unique(self.ranks)) < len(self.ranks) or ((self.ranks < self.first) | (self.ranks > self.last)).any():
            raise EvaluationError(
                f"a draw of ranks {self.first} to {self.last} holds a rank twice, or one that lies elsewhere: its "
                "batch belongs to another ranking. Run the evaluation flow again for a batch of this one."
            )


@dataclass(frozen=True)
class Known:
    """Texts that are no chance draw: those that draws left out because they were labelled before."""

    ranks: Ranks
    answers: Answers


NOTHING_KNOWN = Known(np.array([], dtype=np.int64), np.array([], dtype=np.float64))


@dataclass(frozen=True)
class Stretch:
    """Consecutive ranks between two edges of frames."""

    first: int
    last: int
    cells: tuple[Cell, ...]
    drawn: int
    """So many texts were drawn from it, labelled or not."""

    @property
    def texts(self) -> int:
        """The stretch has so many texts."""
        return self.last - self.first + 1

    @property
    def labelled(self) -> int:
        """So many of its texts have an answer that counts."""
        return sum(cell.labelled for cell in self.cells)

    @property
    def positives(self) -> int:
        """So many of these are true."""
        return sum(cell.positives for cell in self.cells)


@dataclass(frozen=True)
class LabelledRanks:
    """A ranking's labels."""

    rows: int
    draws: Sequence[RankDraw]
    known: Known = NOTHING_KNOWN

    @property
    def reach(self) -> int:
        """Down to this rank, frames with an answer follow each other without a gap; 0 says that none begins at 1."""
        reached = 0
        for draw in sorted(self.draws, key=lambda one: one.first):
            if draw.first <= reached + 1 and not np.isnan(draw.answers).all():
                reached = max(reached, draw.last)
        return min(reached, self.rows)

    def stretches(self, first: int, last: int) -> list[Stretch]:
        """Return the stretches of the ranks `first` to `last`, from the highest rank down."""
        edges = {first, last + 1}
        for draw in self.draws:
            edges |= {edge for edge in (draw.first, draw.last + 1) if first < edge <= last}
        ordered = sorted(edges)
        found = [self._stretch(low, high - 1) for low, high in pairwise(ordered)]
        return _guessed(found)

    def cells(self, first: int, last: int) -> list[Cell]:
        """Return the cells of the ranks `first` to `last`."""
        return [cell for stretch in self.stretches(first, last) for cell in stretch.cells]

    @cached_property
    def _drawn(self) -> "_Tally":
        """Every drawn text once; one that two draws hold has the same answer in both."""
        ranks = np.concatenate([draw.ranks for draw in self.draws] or [NOTHING_KNOWN.ranks])
        answers = np.concatenate([draw.answers for draw in self.draws] or [NOTHING_KNOWN.answers])
        fresh = ~np.isin(ranks, self.known.ranks)
        return _Tally.of(ranks[fresh], answers[fresh])

    @cached_property
    def _before(self) -> "_Tally":
        return _Tally.of(self.known.ranks, self.known.answers)

    def _stretch(self, first: int, last: int) -> Stretch:
        drawn, decided, positives = self._drawn.within(first, last)
        before, sure, true = self._before.within(first, last)
        cells = [
            Cell(last - first + 1 - before, decided, positives),
            Cell(sure, sure, true),
            Cell(before - sure, 0, 0),
        ]
        return Stretch(first, last, tuple(cell for cell in cells if cell.size), drawn + before)


@dataclass(frozen=True)
class _Tally:
    """Ranks in their order, and how many answers count, and are true, up to each."""

    ranks: Ranks
    decided: Ranks
    positives: Ranks

    @classmethod
    def of(cls, ranks: Ranks, answers: Answers) -> "_Tally":
        ranks, places = np.unique(ranks, return_index=True)
        own = answers[places]
        sums = [np.concatenate([[0], np.cumsum(flags)]) for flags in (~np.isnan(own), own == 1)]
        return cls(ranks, sums[0], sums[1])

    def within(self, first: int, last: int) -> tuple[int, int, int]:
        low, high = np.searchsorted(self.ranks, [first, last + 1])
        decided, positives = self.decided[high] - self.decided[low], self.positives[high] - self.positives[low]
        return int(high - low), int(decided), int(positives)


def _guessed(stretches: list[Stretch]) -> list[Stretch]:
    """Have cells without labels guess the share of the nearest stretch that has some."""
    labelled = [place for place, stretch in enumerate(stretches) if stretch.labelled]
    if not labelled:
        return stretches
    found = []
    for place, stretch in enumerate(stretches):
        near = stretches[min(labelled, key=lambda other: abs(other - place))]
        guess = near.positives / near.labelled
        cells = [Cell(cell.size, cell.labelled, cell.positives, guess) for cell in stretch.cells]
        found.append(Stretch(stretch.first, stretch.last, tuple(cells), stretch.drawn))
    return found

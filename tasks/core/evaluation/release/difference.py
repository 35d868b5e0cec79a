"""How far a figure of one version lies above another's, and how many labels it takes to tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, hypot, inf, log
from typing import Literal

from tasks.core.evaluation.count_bounds import Cell, Estimate, true_texts

Verdict = Literal["passes", "falls", "unclear"]
GROWTH = 1.1
"""Numbers of labels are tried in steps of this factor."""
MOST = 10_000_000


@dataclass(frozen=True)
class Needed:
    """So many more labels are needed for a verdict, of either version's texts, if what is found stays alike."""

    own: int
    champions: int
    a_stratum: int = 0
    """A draw of so many texts a stratum has them, of the new version."""


def difference(new: Estimate, champion: Estimate) -> Estimate:
    """Return how far `new` lies above `champion`; the two have labels of their own (MOVER)."""
    value = new.value - champion.value
    low = value - hypot(new.value - new.low, champion.high - champion.value)
    high = value + hypot(new.high - new.value, champion.value - champion.low)
    return Estimate(value, low, high)


def verdict_of(change: Estimate, allowed: float) -> Verdict:
    """Say whether a figure surely fell by no more than is allowed, surely by more, or whether neither is sure."""
    if change.low >= -allowed:
        return "passes"
    return "falls" if change.high < -allowed else "unclear"


def ratio(new: Estimate, champion: Estimate) -> Estimate:
    """Return the difference of the logarithms of two counts, each with half a text added: so none is infinite."""
    return difference(_logs(new), _logs(champion))


def least_change(fall: float) -> float:
    """Return the logarithm that a ratio may fall by where a count may fall by this share of itself."""
    return inf if fall >= 1 else -log(1 - fall)


def labels_for_precision(
    new: Sequence[Cell], champion: Sequence[Cell], rank: tuple[int, int], allowed: float
) -> Needed | None:
    """Return how many more labels give a verdict on a precision; `rank` is the number of texts of each version.

    None where even all texts labelled would give none. Labels of the new version are asked for alone where they
    suffice, else as many times more of both.
    """

    def decided(own: Sequence[Cell], theirs: Sequence[Cell]) -> bool:
        change = difference(true_texts(own).scaled(1 / rank[0]), true_texts(theirs).scaled(1 / rank[1]))
        return verdict_of(change, allowed) != "unclear"

    alone = _first(lambda factor: decided(_grown(new, factor), champion), new)
    if alone is not None:
        return Needed(_added(new, alone), 0, _largest(new, alone))
    both = _first(lambda factor: decided(_grown(new, factor), _grown(champion, factor)), [*new, *champion])
    return None if both is None else Needed(_added(new, both), _added(champion, both), _largest(new, both))


def labels_for_count(change: Estimate, allowed: float, labelled: int) -> Needed | None:
    """Return how many more labels give a verdict on a ratio of counts: intervals shrink with the root of labels."""
    gap = change.value + allowed
    reach = change.value - change.low if gap > 0 else change.high - change.value
    if gap == 0:
        return None
    more = ceil(labelled * ((reach / gap) ** 2 - 1))
    return Needed(max(1, more), 0) if more <= MOST else None


def _first(decided: Callable[[float], bool], cells: Sequence[Cell]) -> float | None:
    """Return the smallest factor that decides, or None where all texts labelled do not."""
    factor = GROWTH
    while not decided(factor):
        if all(cell.labelled == cell.size for cell in _grown(cells, factor)):
            return None
        factor *= GROWTH
    return factor


def _grown(cells: Sequence[Cell], factor: float) -> list[Cell]:
    """Return the cells with so many times as many labels, of which the same share is true."""
    found = []
    for cell in cells:
        labelled = min(cell.size, ceil(max(cell.labelled, 1) * factor))
        found.append(Cell(cell.size, labelled, round(cell.share * labelled), cell.guess))
    return found


def _added(cells: Sequence[Cell], factor: float) -> int:
    return sum(after.labelled - before.labelled for before, after in zip(cells, _grown(cells, factor), strict=True))


def _largest(cells: Sequence[Cell], factor: float) -> int:
    return max(cell.labelled for cell in _grown(cells, factor))


def _logs(count: Estimate) -> Estimate:
    return Estimate(log(count.value + 0.5), log(count.low + 0.5), log(count.high + 0.5))

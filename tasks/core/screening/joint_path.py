"""One path through all stages: a text's loosest setting at which it passes every one of them.

Each stage guesses the expert's log-odds. On the path the stages' thresholds move together, at fixed distances: a text
passes stage s at setting t where its score there, plus the stage's offset, is at least t. So it passes all where the
least of these sums is at least t; that one number is bounded, once. With a budget of misses for each stage the same
promise would pass more texts.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, product

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError

Floats = NDArray[np.float64]
CANDIDATES = 25
"""The offset of each stage but the last is chosen among so many, and one by which the stage passes every text."""


@dataclass(frozen=True)
class JointPath:
    """How the thresholds of a label's stages stand to each other."""

    offsets: tuple[float | None, ...]
    """Each stage's is added to its scores; the last one's is 0, and None lets every text pass the stage."""

    def settings(self, scores: Floats) -> Floats:
        """Return each text's loosest setting, of scores (texts, stages); one that is no number passes its stage."""
        # Stage by stage: NumPy is slow along an axis of two or three.
        return reduce(np.fmin, self._moved(scores).T, np.full(len(scores), math.inf))

    def passing(self, scores: Floats, setting: float) -> NDArray[np.bool_]:
        """Say which of the stages each text passes by itself, at a setting; `scores` are of the first stages or all."""
        return np.asarray(~(self._moved(scores) < setting))

    def _moved(self, scores: Floats) -> Floats:
        offsets = [math.inf if offset is None else offset for offset in self.offsets[: scores.shape[1]]]
        return np.asarray(scores + np.array(offsets))


@dataclass(frozen=True)
class StageCosts:
    """Seconds of a core that a text takes."""

    stages: tuple[float, ...]
    """Each stage takes so long for a text that reaches it."""
    expert: float

    def of(self, reaching: Sequence[float]) -> float:
        """Return the seconds that a text of the pool takes, when such shares reach the stages and the expert."""
        return sum(share * cost for share, cost in zip(reaching, (*self.stages, self.expert), strict=True))


def choose_path(scores: Floats, top: NDArray[np.bool_], lost: float, costs: StageCosts) -> JointPath:
    """Return the path that costs least on the choosing draw, at the setting that loses a share of its top texts.

    Args:
        scores: The stages' scores of the draw's texts, of shape (texts, stages).
        top: Which of them are the expert's top.
        lost: The share of top texts that the bound will allow to be lost.
        costs: What each stage and the expert cost.

    Raises:
        InputDataError: scores and costs are of other numbers of stages.
    """
    if scores.shape[1] != len(costs.stages):
        raise InputDataError(
            f"the choosing draw has scores of {scores.shape[1]} stages, and costs of {len(costs.stages)} are known; "
            "measure the speed of every stage, and score the draw with each."
        )
    if not top.any():
        return JointPath((0.0,) * scores.shape[1])
    paths = list(_candidates(scores[top]))
    return min(paths, key=lambda path: costs.of(reaching(path, scores, _setting(path, scores[top], lost))))


def reaching(path: JointPath, scores: Floats, setting: float) -> list[float]:
    """Return which share of the texts reaches each stage, and the expert."""
    passing = accumulate(path.passing(scores, setting).T, np.logical_and)
    return [1.0, *(np.count_nonzero(stage) / len(scores) for stage in passing)]


def _candidates(top: Floats) -> Iterator[JointPath]:
    """Yield paths on which a stage loses now few, now many of the top texts before the last one sees them."""
    last = top[:, -1:]
    shares = np.linspace(0, 1, CANDIDATES)
    quantiles = [np.unique(np.quantile(column, shares)).tolist() for column in (last - top[:, :-1]).T]
    for offsets in product(*([*found, None] for found in quantiles)):
        yield JointPath((*offsets, 0.0))


def _setting(path: JointPath, top: Floats, lost: float) -> float:
    ordered = np.sort(path.settings(top))
    return float(ordered[int(lost * len(ordered))])

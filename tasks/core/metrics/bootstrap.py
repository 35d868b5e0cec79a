"""How sure a figure is, and whether two models differ: percentile bootstrap over the rows of a split.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 16. All models are measured on the same
resamples, so that differences between them are paired.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.metrics.figures import LOWER_IS_BETTER, label_figures
from tasks.core.metrics.heads import THRESHOLD, decide
from tasks.core.metrics.resampled_ap import average_precisions
from tasks.core.round.sections import Head

LEVEL = 0.95
SEED = 20090401


@dataclass(frozen=True)
class Interval:
    """A percentile interval of 95 %."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.4f} to {self.high:.4f}"


def draw_resamples(targets: NDArray[np.float64], count: int) -> list[NDArray[np.int64]]:
    """Draw `count` resamples of the rows of `targets` (rows, labels), the same ones for the same targets.

    A resample in which every label is only true or only false cannot be ranked, and is drawn again.
    """
    draw = np.random.default_rng(SEED)
    resamples: list[NDArray[np.int64]] = []
    while len(resamples) < count:
        rows = draw.integers(0, len(targets), len(targets))
        if _rankable(targets[rows]).any():
            resamples.append(rows)
    return resamples


def _rankable(targets: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say of each label whether it is true in some rows and false in others."""
    return np.asarray((targets >= THRESHOLD).any(axis=0) & (targets < THRESHOLD).any(axis=0))


def resampled_values(
    metric: str,
    head: Head,
    targets: NDArray[np.float64],
    scores: NDArray[np.float64],
    resamples: list[NDArray[np.int64]],
) -> NDArray[np.float64]:
    """Return the metric on every resample, averaged over the labels that can be ranked in it."""
    if metric == "average_precision":
        columns = zip(targets.T, scores.T, strict=True)
        return np.asarray(np.nanmean([average_precisions(*column, resamples) for column in columns], axis=0))
    decisions = decide(head, scores)
    values = []
    for rows in resamples:
        labels = _rankable(targets[rows])
        figures = label_figures(metric, targets[rows][:, labels], scores[rows][:, labels], decisions[rows][:, labels])
        values.append(np.mean(figures))
    return np.array(values)


def interval(values: NDArray[np.float64]) -> Interval:
    """Return the percentile interval of resampled values."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def lead(metric: str, best: NDArray[np.float64], other: NDArray[np.float64]) -> Interval:
    """Return the interval of how far `best` is ahead of `other`, resample by resample; tied when it reaches 0."""
    return interval(other - best if metric in LOWER_IS_BETTER else best - other)

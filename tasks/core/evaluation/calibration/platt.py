"""Platt's calibration on balanced bootstraps: thousands of logistic curves of two parameters, fitted side by side.

Platt, Probabilistic outputs for support vector machines (1999): targets are drawn in a little from 0 and 1, so that a
curve exists where scores part the labels perfectly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CELLS_AT_ONCE = 1_000_000
"""So many numbers are held at once of a block of bootstraps, 8 MB an array."""
STEPS = 60
HALVINGS = 30
FLAT = 1e-9
"""A fit is done where the slope of its loss a row is below this."""


@dataclass(frozen=True)
class Curves:
    """Logistic curves: the probability at log-odds x is expit(slope * x + intercept)."""

    slopes: Floats
    intercepts: Floats

    def mean(self, log_odds: Floats) -> Floats:
        """Return the mean probability of all curves at each of `log_odds`."""
        return np.array([expit(self.slopes * one + self.intercepts).mean() for one in log_odds])

    def crossings(self) -> Floats:
        """Return where each rising curve crosses 0.5."""
        rising = self.slopes > 0
        return np.asarray(-self.intercepts[rising] / self.slopes[rising])


def draw_bootstraps(
    answers: NDArray[np.bool_], count: int, balanced: bool, draw: np.random.Generator
) -> Iterator[tuple[Ints, Ints]]:
    """Draw rows of `count` bootstraps, a block at a time: positives' rows and negatives' rows, a bootstrap a line.

    Balanced, the larger class is cut to the size of the smaller first, anew for each; then both are resampled.
    """
    positives, negatives = np.flatnonzero(answers), np.flatnonzero(~answers)
    smaller = min(len(positives), len(negatives))
    sizes = [smaller if balanced else len(rows) for rows in (positives, negatives)]
    block = max(1, CELLS_AT_ONCE // (len(answers) + sum(sizes)))
    for first in range(0, count, block):
        lines = min(block, count - first)
        drawn = [_resample(rows, size, lines, draw) for rows, size in zip((positives, negatives), sizes, strict=True)]
        yield drawn[0], drawn[1]


def _resample(rows: Ints, size: int, lines: int, draw: np.random.Generator) -> Ints:
    picks = draw.integers(0, size, (lines, size))
    if size == len(rows):
        return np.asarray(rows[picks])
    kept = np.argpartition(draw.random((lines, len(rows))), size, axis=1)[:, :size]
    return np.asarray(rows[np.take_along_axis(kept, picks, axis=1)])


def fit_curves(positives: Floats, negatives: Floats) -> Curves:
    """Fit one curve a line to the log-odds of positives and negatives, by Newton's method with halved steps."""
    both = np.concatenate([positives, negatives], axis=1)
    centre, spread = both.mean(), both.std() or 1.0
    x = (both - centre) / spread
    targets = _drawn_in(positives.shape[1], negatives.shape[1])
    fitted = np.zeros((len(x), 2))
    fitted[:, 1] = np.log(targets.sum() / (1 - targets).sum())
    loss = _loss(x, targets, fitted)
    open_ = np.arange(len(x))
    for _ in range(STEPS):
        step, steepness = _newton_step(x[open_], targets, fitted[open_])
        going = steepness > FLAT * x.shape[1]
        open_, step = open_[going], step[going]
        if not len(open_):
            break
        fitted[open_], loss[open_] = _descend(x[open_], targets, fitted[open_], loss[open_], step)
    return Curves(fitted[:, 0] / spread, fitted[:, 1] - fitted[:, 0] * centre / spread)


def _drawn_in(positives: int, negatives: int) -> Floats:
    return np.repeat([(positives + 1) / (positives + 2), 1 / (negatives + 2)], [positives, negatives])


def _loss(x: Floats, targets: Floats, fitted: Floats) -> Floats:
    z = fitted[:, :1] * x + fitted[:, 1:]
    return np.asarray((np.logaddexp(0, z) - targets * z).sum(axis=1))


def _newton_step(x: Floats, targets: Floats, fitted: Floats) -> tuple[Floats, Floats]:
    p = expit(fitted[:, :1] * x + fitted[:, 1:])
    error, weight = p - targets, p * (1 - p)
    slope, level = (error * x).sum(axis=1), error.sum(axis=1)
    xx, x1, one = (weight * x * x).sum(axis=1), (weight * x).sum(axis=1), weight.sum(axis=1)
    xx, one = xx + 1e-12, one + 1e-12
    determinant = xx * one - x1 * x1
    step = np.stack([one * slope - x1 * level, xx * level - x1 * slope], axis=1) / determinant[:, None]
    return step, np.maximum(abs(slope), abs(level))


def _descend(x: Floats, targets: Floats, fitted: Floats, loss: Floats, step: Floats) -> tuple[Floats, Floats]:
    """Take each line's step, halved until its loss does not rise."""
    tried = fitted - step
    found = _loss(x, targets, tried)
    for _ in range(HALVINGS):
        worse = np.flatnonzero(~(found <= loss + 1e-12 * abs(loss)))
        if not len(worse):
            break
        step[worse] /= 2
        tried[worse] = fitted[worse] - step[worse]
        found[worse] = _loss(x[worse], targets, tried[worse])
    return tried, found

"""Ridge regression on hashed n-grams, all labels at once, by conjugate gradients.

It is unweighted: weights for the top made screens worse. Stopped early it is a little better and much cheaper than
solved to the end. Sums have one order, so that every CPU fits the same weights.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.screening.ngram_hashing import Codes, compiled

Matrix = NDArray[np.float32]
Targets = NDArray[np.float64]
PENALTY = 1.0
STEPS = 20
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Rows:
    """Each text's buckets, one text after another: a sparse matrix whose values are 1 / root of a text's buckets."""

    starts: NDArray[np.int64]
    buckets: Codes
    size: int
    """There are so many buckets."""

    def times(self, weights: Matrix) -> Targets:
        """Return the matrix times weights (buckets, labels)."""
        found = np.zeros((len(self.starts) - 1, weights.shape[1]))
        _forward(self.starts, self.buckets, weights, found)
        return found

    def back(self, values: Targets) -> Matrix:
        """Return the transposed matrix times values (texts, labels)."""
        found = np.zeros((self.size, values.shape[1]), dtype=np.float32)
        _backward(self.starts, self.buckets, values, found)
        return found


def fit_ridge(rows: Rows, targets: Targets, penalty: float = PENALTY, steps: int = STEPS) -> tuple[Matrix, Targets]:
    """Return weights (buckets, labels), and what is added for each label; the latter is not penalised."""
    base = targets.sum(axis=0) / len(targets)
    mean = rows.back(np.ones((len(targets), 1))) / np.float32(len(targets))
    weights = np.zeros((rows.size, targets.shape[1]), dtype=np.float32)
    left = _back_centred(rows, mean, targets - base)
    step, length = left.copy(), _dot(left, left)
    end = TOLERANCE**2 * length
    for _ in range(steps):
        moved = _back_centred(rows, mean, rows.times(step) - _dot(mean, step)) + np.float32(penalty) * step
        stride = _ratio(length, _dot(step, moved))
        weights += stride * step
        left -= stride * moved
        before, length = length, _dot(left, left)
        if (length <= end).all():
            break
        step = left + _ratio(length, before) * step
    return weights, base - _dot(mean, weights)


def _back_centred(rows: Rows, mean: Matrix, values: Targets) -> Matrix:
    return np.asarray(rows.back(values) - mean * values.sum(axis=0).astype(np.float32))


def _dot(one: Matrix, other: Matrix) -> Targets:
    return np.asarray((one * other).sum(axis=0, dtype=np.float64))


def _ratio(above: Targets, below: Targets) -> Matrix:
    """Divide; a label that is fitted already has nothing below, and moves no more."""
    ratio = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return np.asarray(ratio, dtype=np.float32)


@compiled
def _forward(starts: NDArray[np.int64], buckets: Codes, weights: Matrix, found: Targets) -> None:
    for row in range(len(starts) - 1):
        for place in range(starts[row], starts[row + 1]):
            for label in range(weights.shape[1]):
                found[row, label] += weights[buckets[place], label]
        found[row] /= np.sqrt(np.float64(max(starts[row + 1] - starts[row], 1)))


@compiled
def _backward(starts: NDArray[np.int64], buckets: Codes, values: Targets, found: Matrix) -> None:
    for row in range(len(starts) - 1):
        scaled = (values[row] / np.sqrt(np.float64(max(starts[row + 1] - starts[row], 1)))).astype(np.float32)
        for place in range(starts[row], starts[row + 1]):
            for label in range(found.shape[1]):
                found[buckets[place], label] += scaled[label]

"""Average precision on many resamples of the same rows, which are sorted once."""

import numpy as np
from numpy.typing import NDArray

from tasks.core.metrics.heads import THRESHOLD

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def average_precisions(targets: Floats, scores: Floats, resamples: list[Integers]) -> Floats:
    """Return scikit-learn's average_precision_score on every resample, up to rounding.

    Args:
        targets: Shape (rows,), blank where NaN, true from 0.5 on.
        scores: Shape (rows,).
        resamples: Row numbers each; a row may be there more than once.

    Returns:
        Shape (resamples,); NaN where a resample's rows are all true or all false.
    """
    known = np.flatnonzero(~np.isnan(targets))
    order = known[np.argsort(-scores[known], kind="stable")]
    true = targets[order] >= THRESHOLD
    last_of_ties = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    counts = (np.bincount(rows, minlength=len(targets))[order] for rows in resamples)
    return np.array([_average_precision(each, true, last_of_ties) for each in counts])


def _average_precision(counts: Integers, true: NDArray[np.bool_], last_of_ties: Integers) -> float:
    """Return the average precision where each row stands `counts` times; rows go from the best score down."""
    taken, hits = np.cumsum(counts)[last_of_ties], np.cumsum(counts * true)[last_of_ties]
    if hits[-1] in {0, taken[-1]}:
        return float("nan")
    new = np.flatnonzero(np.diff(hits, prepend=0))
    return float(np.diff(hits[new], prepend=0) @ (hits[new] / taken[new]) / hits[-1])

"""How much of an expert's top another way keeps."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TOPS = (0.001, 0.005, 0.01)


def top_rows(scores: Floats, share: float) -> NDArray[np.int64]:
    """Return the numbers of the best rows, a share of all."""
    return np.argsort(-scores, kind="stable")[: max(round(share * len(scores)), 1)]


def overlap(expert: Floats, other: Floats, share: float) -> float:
    """Return which share of the expert's best rows are among the other's best, as many."""
    best = top_rows(expert, share)
    return len(np.intersect1d(best, top_rows(other, share))) / len(best)


def kept(expert: Floats, passing: NDArray[np.bool_], share: float) -> float:
    """Return which share of the expert's best rows pass."""
    return float(passing[top_rows(expert, share)].mean())


def passing_but(lost: float, guesses: Floats, top: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which rows pass by the highest threshold on guesses that loses at most such a share of the top ones."""
    of_top = np.sort(guesses[top])
    return np.asarray(guesses >= of_top[int(lost * len(of_top) + 1e-9)])

"""The exact bound: from which screen score on a text must pass, so that enough of the expert's top does.

Of r top texts in a uniform draw, the number that a fixed threshold loses is binomial. Were more than 1 - recall of the
pool's top below it, as few as k lost ones would be seen in at most 1 - confidence of all draws; so the threshold is the
(k+1)-th smallest screen score of the r. It holds for any screen, pool and r, as long as neither the screen nor r was
chosen by the scores that it is read from.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.screening.promise import Promise


@dataclass(frozen=True)
class Bound:
    """A threshold that keeps a promise."""

    threshold: float
    """A text whose score is at least this passes, one that equals it too."""
    top_texts: int
    """The calibration draw held so many texts of the expert's top."""
    misses_allowed: int
    misses: int
    """So many of them are below the threshold; fewer than allowed where scores tie."""


@cache
def least_top_texts(promise: Promise) -> int:
    """Return how many top texts a draw needs at the least; 299 for 99 % at 95 % confidence."""
    wanted = math.ceil(math.log(1 - promise.confidence) / math.log(promise.recall))
    return next(r for r in (wanted - 1, wanted, wanted + 1) if r > 0 and misses_allowed(r, promise) is not None)


@cache
def misses_allowed(top_texts: int, promise: Promise) -> int | None:
    """Return how many of a draw's top texts may lie below the threshold, None where there are too few for any."""
    from scipy.stats import binom  # noqa: PLC0415 - half a second, where a draw is bounded

    spare = 1 - promise.confidence
    k = int(binom.ppf(spare, top_texts, 1 - promise.recall)) if top_texts else 0
    while k >= 0 and binom.cdf(k, top_texts, 1 - promise.recall) > spare:
        k -= 1
    return k if k >= 0 else None


def bound_recall(top_scores: NDArray[np.float64] | Sequence[float], promise: Promise) -> Bound | None:
    """Return the highest threshold that keeps a promise, None where the draw holds too few top texts.

    Args:
        top_scores: The screen's scores of the calibration draw's top texts, and of no others.
        promise: What must be kept.
    """
    scores = np.sort(np.asarray(top_scores, dtype=np.float64))
    if np.isnan(scores).any():
        raise InputDataError(
            f"{int(np.isnan(scores).sum())} of {len(scores)} screen scores of the calibration draw are no numbers, so "
            "that they have no order. Fit the screen again; texts that it cannot score must pass it."
        )
    allowed = misses_allowed(len(scores), promise)
    if allowed is None:
        return None
    threshold = float(scores[allowed])
    return Bound(threshold, len(scores), allowed, int((scores < threshold).sum()))

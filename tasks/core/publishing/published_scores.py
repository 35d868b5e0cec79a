"""A score as it is published: six digits of the nearer of it and what it lacks to 1, so that the top has its ranks.

0.0001234567 is published as 0.000123457, and 0.9999876543 as 0.9999876543: what it lacks, 0.0000123457, has six digits.
"""

import math

import numpy as np
from numpy.typing import NDArray

DIGITS = 6
HALF = 0.5
"""What a score from here on lacks to 1 is smaller than the score."""
WHOLE = 17
"""No number from 0.5 on has more digits behind the point that mean something."""


def spell_score(score: float) -> str:
    """Return how a score is written."""
    if score < HALF:
        return f"{score:.{DIGITS}g}"
    lacks = 1.0 - score
    places = WHOLE if lacks == 0 else min(WHOLE, DIGITS - 1 - math.floor(math.log10(lacks)))
    return f"{score:.{places}f}".rstrip("0").rstrip(".")


def spell_scores(scores: NDArray[np.float64]) -> list[str]:
    """Return how scores are written."""
    spelled = (f"%.{DIGITS}g " * len(scores) % tuple(scores.tolist())).split()
    for place in np.flatnonzero(scores >= HALF):
        spelled[place] = spell_score(float(scores[place]))
    return spelled


def rounded(score: float) -> float:
    """Return a score as readers get it."""
    return float(spell_score(score))


def off_scale(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return those scores that are no probabilities."""
    return np.asarray(scores[~((scores >= 0) & (scores <= 1))])

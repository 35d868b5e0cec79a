"""Bins of scores: steps of their log-odds, thousands of them, fine enough to tell where a rank lies.

A score's bin follows from the bits of its distance to 0 or to 1, whichever is nearer, and from no logarithm, which two
machines may round otherwise: a score lies in the same bin everywhere, and of two scores the higher one never in the
lower bin. Each halving of that distance has STEPS bins, so that a bin is at most 1/24 wide in log-odds.

Of a screened run, scores from -1 to 0 and from -2 to -1 have bins of their own, made alike of what is above -1 or -2.
"""

import numpy as np
from numpy.typing import NDArray

STEPS = 32
HALVINGS = 52
SIDE = STEPS * HALVINGS
"""The bins of scores up to a half; there are as many above it."""
SPAN = 2 * SIDE
"""The bins of scores from 0 to 1."""
LEVELS = 3
"""An expert's scores, and those of what the last stage of a screening left out, and of what an earlier one did."""
BINS = LEVELS * SPAN
FIRST_OF_EXPERT = BINS - SPAN
"""Scores that an expert gave lie in the bins from this one on."""
ROUNDING = 1e-15
"""A score below 0 may lie so far from the edges of its bin, for it is rounded when it is moved above 0."""
STEP_BITS = 52 - (STEPS.bit_length() - 1)
NEAREST = (1022 - HALVINGS) * STEPS
"""A distance of 2 to the power of -53 has these as the upper bits of its number."""
SHOWN = 40

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def bins_of(scores: Floats) -> Integers:
    """Return the number of each score's bin, from 0 to BINS - 1; a NaN has none and is not to be asked for."""
    level = np.clip(np.floor(scores), 1 - LEVELS, 0)
    inside = scores - level
    upper = inside > 0.5
    distance = np.where(upper, 1 - inside, inside)
    code = np.clip((distance.view(np.int64) >> STEP_BITS) - NEAREST, 0, SIDE - 1)
    within = np.where(upper, SPAN - 1 - code, code)
    return np.asarray(within + (level.astype(np.int64) + LEVELS - 1) * SPAN)


def count_bins(scores: Floats) -> Integers:
    """Return how many scores lie in each bin."""
    return np.bincount(bins_of(scores), minlength=BINS)


def spell_counts(counts: Integers) -> str:
    """Return counts of all bins as a receipt holds them: the step to each bin that has scores, and its count."""
    bins = np.flatnonzero(counts)
    return " ".join(map(str, np.column_stack([np.diff(bins, prepend=0), counts[bins]]).ravel().tolist()))


def read_counts(text: str) -> tuple[Integers, Integers]:
    """Return the bins that have scores, and how many each has, from what `spell_counts` gave.

    Raises:
        ValueError: the text is no such thing.
    """
    try:
        pairs = np.array(text.split(), dtype=np.int64).reshape(-1, 2)
    except (ValueError, OverflowError):
        pairs = np.full((1, 2), -1)
    steps, counts = pairs[:, 0], pairs[:, 1]
    bins = np.clip(steps, -1, BINS).cumsum()
    if len(pairs) and (steps[0] < 0 or steps[1:].min(initial=1) < 1 or bins[-1] >= BINS or counts.min() < 1):
        raise ValueError(f"{text[:SHOWN]!r} are no steps and counts of {BINS} bins")
    return bins, counts


def bounds_of(first: int, last: int) -> tuple[float, float]:
    """Return two scores between which all scores of the bins `first` to `last` lie, and few others."""
    lowest = -np.inf if first <= 0 else _lower_edge(first) - ROUNDING
    highest = np.inf if last >= BINS - 1 else _lower_edge(last + 1) + ROUNDING
    return float(lowest), float(highest)


def _lower_edge(bin_: int) -> float:
    level, within = divmod(bin_, SPAN)
    upper = within > SIDE
    code = np.int64((SPAN - within if upper else within) + NEAREST) << STEP_BITS
    distance = float(code.view(np.float64)) if within else 0.0
    return level + 1 - LEVELS + (1 - distance if upper else distance)

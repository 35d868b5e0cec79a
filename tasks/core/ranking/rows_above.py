"""How many rows are above some scores, from one pass over scores: exact, in little memory, and nothing is sorted."""

import numpy as np
from numpy.typing import NDArray

from tasks.core.ranking.population import Population, Wanted
from tasks.core.ranking.scan import scan_scores_in
from tasks.core.runs.score_bins import bins_of

Integers = NDArray[np.int64]


def rows_above(population: Population, wanted: Wanted, scores: NDArray[np.float64]) -> tuple[Integers, Integers]:
    """Return how many rows are above each of the sorted, distinct scores, and how many have it.

    `wanted` are the bins that the scores lie in: rows of others are counted already, and not read.
    """
    between = np.zeros(len(scores) + 1, dtype=np.int64)
    sharing = np.zeros(len(scores), dtype=np.int64)
    for found in scan_scores_in(population.parts, wanted):
        place = np.searchsorted(scores, found)
        same = place[scores[np.minimum(place, len(scores) - 1)] == found]
        between += np.bincount(place, minlength=len(between))
        sharing += np.bincount(same, minlength=len(sharing))
    read_above = between[::-1].cumsum()[::-1][1:]
    bins = bins_of(scores)
    return read_above - population.above_in(wanted)[bins] + population.above[bins], sharing

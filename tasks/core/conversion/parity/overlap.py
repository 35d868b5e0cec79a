"""The share of a checkpoint's best k that are among a model's best k, ties counted fairly."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def edge_of(scores: Floats, count: int) -> np.float64:
    """Return the score of the last of the `count` best, or of all when there are fewer."""
    place = len(scores) - min(count, len(scores))
    return np.float64(np.partition(scores, place)[place])


def overlap_at(reference: Floats, found: Floats, count: int) -> float:
    """Return the expected share of the checkpoint's `count` best among the model's, whose ties are broken at random.

    Both are log-odds of shape (texts,). Texts that the checkpoint itself ties at its edge may stand for each other.
    """
    from scipy.stats import hypergeom  # noqa: PLC0415 - half a second, where variants are compared

    edge, own_edge = edge_of(reference, count), edge_of(found, count)
    best, tied = reference > edge, reference == edge
    own_best, own_tied = found > own_edge, found == own_edge
    places = count - own_best.sum()
    hits = (best & own_best).sum() + (best & own_tied).sum() * places / own_tied.sum()
    drawn = np.arange((tied & own_tied).sum() + 1)
    chances = hypergeom.pmf(drawn, own_tied.sum(), drawn[-1], places)
    hits += (np.minimum((tied & own_best).sum() + drawn, count - best.sum()) * chances).sum()
    return float(hits / count)

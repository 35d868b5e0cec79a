"""How far a model moves texts across the edges that a reader of the ranking sees: the best k, and the threshold.

A text that changes places with its neighbour at an edge is no loss; one that comes from far away is. So what counts is
the distance from the edge, in the checkpoint's log-odds, not how many texts changed sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from tasks.core.conversion.parity.overlap import overlap_at

Floats = NDArray[np.float64]

IN_ORDER = 20
SIZES = (IN_ORDER, 100, 1_000)
ONE_PER_CENT = "1 %"


@dataclass(frozen=True)
class TopShift:
    """One best k of the checkpoint beside the model's."""

    size: int
    """The best k are so many texts."""
    displacement: float
    """No text that is in one best k and not in the other is farther from the checkpoint's edge, in log-odds. Of the
    first 20, which are read in order, this is the largest of the best 1, 2, ... and 20."""
    regret: float
    """The mean probability, by the checkpoint, of the model's best k is so much lower than that of its own."""
    beyond: int
    """So many texts are farther from the edge than the limit; of the first 20 the most of the best 1, 2, ... and 20."""
    overlap: float
    """This share of the checkpoint's best k is among the model's."""
    overlap_near: float
    """The same share, with texts that are no farther from the edge than the limit counted as kept."""


@dataclass(frozen=True)
class RankingShift:
    """A model's log-odds of a label beside its checkpoint's, on the same texts."""

    texts: int
    tops: dict[str, TopShift]
    """Stands for k of 20, 100, 1000 and 1 % of the scored texts."""
    rms_error: float
    """The root mean square of what the log-odds are off."""
    largest_error: float
    probability_shift: float
    """The mean probability is so much higher than the checkpoint's; negative where it is lower."""
    flips: int
    """So many texts stand on another side of the threshold than by the checkpoint."""
    flips_beyond: int
    """So many of them are farther from it, in the checkpoint's log-odds, than the limit of displacement."""
    flip_distance: float
    """None of them is farther from it than this; 0 where none flips."""


def top_sizes(scored_texts: int, texts: int) -> dict[str, int]:
    """Return the sizes of the best k by name; the 1 % is of `scored_texts`, and no k is more than `texts`."""
    sizes = {str(size): size for size in SIZES} | {ONE_PER_CENT: max(1, round(scored_texts / 100))}
    return {name: min(size, texts) for name, size in sizes.items()}


def ranking_shift(
    reference: Floats, found: Floats, sizes: Mapping[str, int], threshold: float, limit: float
) -> RankingShift:
    """Compare a model's log-odds `found` with the checkpoint's `reference`, both of shape (texts,).

    Texts that the model ties are ordered in the worst way: a model that gives its top one score keeps no order there.

    Args:
        reference: The checkpoint's, finite.
        found: The model's, finite.
        sizes: Each best k by its name; see `top_sizes`.
        threshold: The probability from which on a text is taken for the label's.
        limit: The displacement up to which a text counts as a near-tie, in log-odds.
    """
    ranked = np.sort(reference)[::-1]
    order = np.lexsort((reference, -found))
    error = found - reference
    distances = _flip_distances(reference, found, threshold)
    return RankingShift(
        texts=len(reference),
        tops={
            name: _top_shift(ranked, reference[order], size, overlap_at(reference, found, size), limit)
            for name, size in sizes.items()
        },
        rms_error=float(np.sqrt(np.mean(error**2))),
        largest_error=float(np.abs(error).max()),
        probability_shift=float(np.mean(expit(found) - expit(reference))),
        flips=len(distances),
        flips_beyond=int((distances > limit).sum()),
        flip_distance=float(distances.max(initial=0)),
    )


def _top_shift(ranked: Floats, own: Floats, size: int, overlap: float, limit: float) -> TopShift:
    """Compare the checkpoint's log-odds in its own order, `ranked`, with the same in the model's order, `own`."""
    prefixes = range(1, size + 1) if size <= IN_ORDER else [size]
    return TopShift(
        size=size,
        displacement=max(_displacement(ranked, own, each) for each in prefixes),
        regret=max(0.0, float(expit(ranked[:size]).mean() - expit(own[:size]).mean())),
        beyond=max(_beyond(ranked, own, each, limit) for each in prefixes),
        overlap=overlap,
        overlap_near=1 - _beyond(ranked, own, size, limit) / size,
    )


def _beyond(ranked: Floats, own: Floats, size: int, limit: float) -> int:
    edge = ranked[size - 1]
    return max(int((own[:size] < edge - limit).sum()), int((own[size:] > edge + limit).sum()))


def _displacement(ranked: Floats, own: Floats, size: int) -> float:
    edge = ranked[size - 1]
    return float(max(edge - own[:size].min(), own[size:].max(initial=edge) - edge))


def _flip_distances(reference: Floats, found: Floats, threshold: float) -> Floats:
    edge = float(logit(threshold))
    flipped = (reference >= edge) != (found >= edge)
    return np.asarray(np.abs(reference[flipped] - edge))

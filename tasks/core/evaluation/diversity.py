"""How unlike each other texts are: cosine distances of their vectors, from 0 (alike) to 2."""

from dataclasses import dataclass

import numpy as np

from tasks.core.evaluation.text_vectors import Vectors

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class TextDiversity:
    """Distances among some texts."""

    texts: int
    by: str
    """The vectors are those of the label's checkpoint, or of the texts' words."""
    mean_pairwise: float
    """Two different texts lie so far apart on average."""
    mean_largest: float
    """A text lies so far, on average, from the one that is least like it."""


def text_diversity(vectors: Vectors, by: str) -> TextDiversity | None:
    """Measure the distances, a block of rows at a time; None for fewer than two texts."""
    count = len(vectors)
    if count < 2:
        return None
    total, largest = 0.0, []
    for first in range(0, count, ROWS_AT_ONCE):
        likeness = (vectors[first : first + ROWS_AT_ONCE] @ vectors.T).astype(np.float64)
        rows = np.arange(len(likeness))
        likeness[rows, first + rows] = 1.0  # a text without words is like itself, too
        total += float((1 - likeness).sum())
        largest.append(1 - likeness.min(axis=1))
    return TextDiversity(count, by, total / (count * (count - 1)), float(np.concatenate(largest).mean()))

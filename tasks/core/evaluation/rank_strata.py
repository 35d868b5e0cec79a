"""The strata of a rank sample: stretches of a ranking that grow by the same factor."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def rank_strata(ranks: int, largest: int, rows: int, ends: Sequence[int]) -> list[tuple[int, int]]:
    """Return first and last rank of each stratum, from rank 1 down to `largest`, or to the last of fewer `rows`.

    The strata end at so many ranks, as far apart on a logarithmic scale. Those that lie nearest to one of `ends` are
    moved there, so that a precision among so many best texts is one of whole strata.
    """
    largest = min(largest, rows)
    edges = {int(edge) for edge in np.unique(np.rint(np.geomspace(1, largest, ranks)))}
    for end in (end for end in ends if end < largest and end not in edges):
        movable = edges - set(ends) - {1, largest}
        if movable:
            edges.remove(min(movable, key=lambda edge: abs(np.log(edge / end))))
        edges.add(end)
    return [(above + 1, edge) for above, edge in pairwise([0, *sorted(edges)])]

"""Groups of texts that say nearly the same, found by MinHash: texts of which one is enough for labellers.

Two texts are near-duplicates when their character 5-grams overlap in so large a part (Jaccard) as the setting says.
MinHash finds pairs that may be, and their real overlap is then looked at; what a chain of pairs connects is one group.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.core.exchange.labelled_before import normal_text

if TYPE_CHECKING:
    from datasketch import MinHash

SHINGLE_CHARACTERS = 5
PERMUTATIONS = 128
SEED = 1
LOOKED_AT = 0.6
"""Pairs are looked at whose overlap seems to be at least this part of what is asked for."""
REMEMBERED = 10_000
"""A text is looked at several times, and hashed once."""


def near_duplicates(texts: Sequence[str], similarity: float | None) -> NDArray[np.int64]:
    """Return each text's group: the place of the first text of it. None groups equal texts alone.

    Case, width of characters and white space make no difference.
    """
    normal = [normal_text(text) for text in texts]
    first: dict[str, int] = {}
    group = np.array([first.setdefault(text, place) for place, text in enumerate(normal)], np.int64)
    if similarity is None or len(first) < 2:
        return group
    _join_similar(group, [(place, normal[place]) for place in first.values()], similarity)
    return group


def _join_similar(group: NDArray[np.int64], texts: list[tuple[int, str]], similarity: float) -> None:
    """Give the texts that similar pairs connect the group of the first of them."""
    from datasketch import MinHashLSH  # noqa: PLC0415 - half a second, where texts are compared

    index = MinHashLSH(num_perm=PERMUTATIONS, params=_bands(similarity))
    shingles: dict[int, frozenset[bytes]] = {}
    for place, text in texts:
        own, hashed = _hashed(text)
        for other in sorted(index.query(hashed)):
            known = shingles[other]
            if len(own & known) >= similarity * len(own | known):
                _join(group, group[place], group[other])
        shingles[place] = own
        index.insert(place, hashed)


@cache
def _bands(similarity: float) -> tuple[int, int]:
    """Return into how many bands of how many hashes MinHash is best cut; finding that takes longer than using it."""
    from datasketch import MinHashLSH  # noqa: PLC0415

    index = MinHashLSH(threshold=LOOKED_AT * similarity, num_perm=PERMUTATIONS)
    return index.b, index.r


def _join(group: NDArray[np.int64], one: np.int64, other: np.int64) -> None:
    low, high = min(one, other), max(one, other)
    group[group == high] = low


@lru_cache(maxsize=REMEMBERED)
def _hashed(text: str) -> tuple[frozenset[bytes], "MinHash"]:
    """Return a text's runs of characters, and their MinHash; a text shorter than such a run is one itself."""
    from datasketch import MinHash  # noqa: PLC0415

    starts = range(max(1, len(text) - SHINGLE_CHARACTERS + 1))
    shingles = frozenset(text[start : start + SHINGLE_CHARACTERS].encode() for start in starts)
    hashed = MinHash(num_perm=PERMUTATIONS, seed=SEED)
    hashed.update_batch(sorted(shingles))
    return shingles, hashed

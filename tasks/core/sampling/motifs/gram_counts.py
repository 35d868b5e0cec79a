"""Which pairs and triples of words stand in enough of some texts, and in how many of other texts these stand.

Only what stands in enough of the first texts is looked for in the others, so that memory does not grow with those.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.sampling.motifs.gram_kernels import GramShape, count_texts, gather
from tasks.core.sampling.motifs.word_rows import WordRows

GRAMS_AT_ONCE = 20_000_000
"""So many grams are in memory at once, in 8 bytes each; where there may be more, they are counted in parts."""
NONE = np.empty(0, np.int64)
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Grams:
    """Pairs and triples by their keys, in rising order, and in how many texts each stands."""

    shape: GramShape
    pairs: Integers
    pair_texts: Integers
    triples: Integers
    triple_texts: Integers

    def words(self) -> Iterator[tuple[int, ...]]:
        """Give the numbers of the words of each pair, and then of each triple."""
        pairs = [divmod(key, self.shape.width) for key in self.pairs.tolist()]
        yield from pairs
        for key in self.triples.tolist():
            pair, third = divmod(key, self.shape.width)
            yield (*pairs[pair], third)

    def texts(self) -> Integers:
        """Return in how many texts each pair, and then each triple, stands."""
        return np.concatenate([self.pair_texts, self.triple_texts])

    def texts_of(self, rows: WordRows) -> Integers:
        """Return in how many other texts each pair, and then each triple, stands."""
        return np.concatenate(count_texts(rows, self.shape, self.pairs, self.triples))


def frequent_grams(rows: WordRows, shape: GramShape, least_texts: int) -> Grams:
    """Return the pairs and triples that stand in at least so many of the texts."""
    pairs, pair_texts = _frequent(rows, shape, NONE, least_texts)
    triples, triple_texts = _frequent(rows, shape, pairs, least_texts) if len(pairs) else (NONE, NONE)
    return Grams(shape, pairs, pair_texts, triples, triple_texts)


def _frequent(rows: WordRows, shape: GramShape, pairs: Integers, least_texts: int) -> tuple[Integers, Integers]:
    """Return the pairs, or the triples made of `pairs`, that stand in at least so many texts, and in how many."""
    words = np.diff(rows.starts)
    most = words * (words - 1) // 2 if not len(pairs) else words * (words - 1) * (words - 2) // 6
    room = np.empty(int(most.max(initial=0)), np.int64)
    parts = 1 + int(most.sum()) // GRAMS_AT_ONCE
    kept = [_part(rows, shape._replace(part=part, parts=parts), pairs, room, least_texts) for part in range(parts)]
    keys, texts = (np.concatenate(columns) for columns in zip(*kept, strict=True))
    order = np.argsort(keys)
    return keys[order], texts[order]


def _part(rows: WordRows, shape: GramShape, pairs: Integers, room: Integers, least: int) -> tuple[Integers, Integers]:
    found, count = gather(rows, shape, pairs, room)
    keys, texts = np.unique(found[:count], return_counts=True)
    return keys[texts >= least], texts[texts >= least].astype(np.int64)

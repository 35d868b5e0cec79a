"""The inner loops of k-skip-n-grams, compiled by numba: pairs and triples of words in their order, with skips.

A gram's words stand in this order in the text, with at most `skips` words between them in all, and none twice. A pair's
key is first * width + second, for `width` words in the vocabulary; a triple's is the place of its first pair among the
pairs that are counted * width + third. Memory follows from what is counted, however many texts there are. Nothing is
kept on disk: each process compiles anew, which takes a few seconds.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from tasks.core.sampling.motifs.word_rows import WordRows

compiled = numba.njit(nogil=True)
Keys = NDArray[np.int64]


class GramShape(NamedTuple):
    """Which grams are meant."""

    width: int
    """The vocabulary has so many words."""
    skips: int
    """At most so many words may stand between those of a gram, in all."""
    part: int = 0
    """Where grams are counted in parts, this one is: of pairs by the first word, of triples by the first pair."""
    parts: int = 1


@compiled
def find(keys: Keys, key: int) -> int:
    """Return where a key stands among sorted ones, or -1."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(keys) and keys[low] == key else -1


@compiled
def text_pairs(rows: WordRows, text: int, shape: GramShape, found: Keys) -> int:
    """Fill in a text's pairs, and return how many there are."""
    count, end = 0, rows.starts[text + 1]
    for i in range(rows.starts[text], end):
        if rows.numbers[i] % shape.parts != shape.part:
            continue
        for j in range(i + 1, end):
            if np.int64(rows.places[j]) - np.int64(rows.places[i]) - 1 > shape.skips:
                break
            if rows.numbers[i] != rows.numbers[j]:
                found[count] = np.int64(rows.numbers[i]) * shape.width + rows.numbers[j]
                count += 1
    return count


@compiled
def text_triples(rows: WordRows, text: int, shape: GramShape, pairs: Keys, found: Keys) -> int:
    """Fill in a text's triples of which the first two words and the last two are among `pairs`; return their number."""
    count, end = 0, rows.starts[text + 1]
    for i in range(rows.starts[text], end):
        for j in range(i + 1, end):
            if np.int64(rows.places[j]) - np.int64(rows.places[i]) - 1 > shape.skips:
                break
            pair = find(pairs, np.int64(rows.numbers[i]) * shape.width + rows.numbers[j])
            if pair >= 0 and pair % shape.parts == shape.part:
                count = _extend(rows, (i, j, end), shape, pairs, (pair, found, count))
    return count


@compiled
def _extend(rows: WordRows, at: tuple[int, int, int], shape: GramShape, pairs: Keys, to: tuple[int, Keys, int]) -> int:
    """Fill in the triples that begin with the pair at two places."""
    i, j, end = at
    pair, found, count = to
    for m in range(j + 1, end):
        if np.int64(rows.places[m]) - np.int64(rows.places[i]) - 2 > shape.skips:
            break
        known = find(pairs, np.int64(rows.numbers[j]) * shape.width + rows.numbers[m]) >= 0
        if known and rows.numbers[i] != rows.numbers[m]:
            found[count] = np.int64(pair) * shape.width + rows.numbers[m]
            count += 1
    return count


@compiled
def gather(rows: WordRows, shape: GramShape, pairs: Keys, room: Keys) -> tuple[Keys, int]:
    """Return each text's grams, each once a text, and their number: pairs where `pairs` is empty, else triples."""
    collected, count = np.empty(1 << 16, np.int64), 0
    for text in range(len(rows.starts) - 1):
        triples = len(pairs) > 0
        found = text_triples(rows, text, shape, pairs, room) if triples else text_pairs(rows, text, shape, room)
        grams = np.sort(room[:found])
        if count + found > len(collected):
            larger = np.empty(2 * (count + found), np.int64)
            larger[:count] = collected[:count]
            collected = larger
        for place in range(found):
            if place == 0 or grams[place] != grams[place - 1]:
                collected[count] = grams[place]
                count += 1
    return collected, count


@compiled
def count_texts(rows: WordRows, shape: GramShape, pairs: Keys, triples: Keys) -> tuple[Keys, Keys]:
    """Return in how many texts each of the pairs stands, and each of the triples."""
    counts = np.zeros(len(pairs), np.int64), np.zeros(len(triples), np.int64)
    last = np.full(len(pairs), -1, np.int64), np.full(len(triples), -1, np.int64)
    for text in range(len(rows.starts) - 1):
        end = rows.starts[text + 1]
        for i in range(rows.starts[text], end):
            for j in range(i + 1, end):
                if np.int64(rows.places[j]) - np.int64(rows.places[i]) - 1 > shape.skips:
                    break
                pair = find(pairs, np.int64(rows.numbers[i]) * shape.width + rows.numbers[j])
                if pair < 0:
                    continue
                if last[0][pair] != text:
                    last[0][pair] = text
                    counts[0][pair] += 1
                _count_triples(rows, (text, i, j, end, pair), shape, triples, (last[1], counts[1]))
    return counts


@compiled
def _count_triples(
    rows: WordRows, at: tuple[int, int, int, int, int], shape: GramShape, triples: Keys, to: tuple[Keys, Keys]
) -> None:
    """Count the triples that begin with the pair at two places of a text, unless they were counted in it."""
    text, i, j, end, pair = at
    last, counts = to
    for m in range(j + 1, end):
        if np.int64(rows.places[m]) - np.int64(rows.places[i]) - 2 > shape.skips:
            break
        triple = find(triples, np.int64(pair) * shape.width + rows.numbers[m])
        if triple >= 0 and last[triple] != text:
            last[triple] = text
            counts[triple] += 1


@compiled
def holders(rows: WordRows, gram: NDArray[np.int32], skips: int) -> NDArray[np.bool_]:
    """Say of each text whether a gram of two words or three stands in it."""
    found = np.zeros(len(rows.starts) - 1, np.bool_)
    for text in range(len(found)):
        for i in range(rows.starts[text], rows.starts[text + 1]):
            if rows.numbers[i] == gram[0] and _ends_after(rows, i, rows.starts[text + 1], gram, skips):
                found[text] = True
                break
    return found


@compiled
def _ends_after(rows: WordRows, i: int, end: int, gram: NDArray[np.int32], skips: int) -> bool:
    """Say whether the rest of a gram follows a place: each word as early as it comes, which skips the fewest."""
    place = i
    for number in gram[1:]:
        place += 1
        while place < end and rows.numbers[place] != number:
            place += 1
        if place >= end:
            return False
    return bool(np.int64(rows.places[place]) - np.int64(rows.places[i]) - (len(gram) - 1) <= skips)

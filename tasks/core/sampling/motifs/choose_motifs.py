"""The motifs of a label: grams that stand more often in its best-scored texts than in random ones, chosen greedily.

lift = (share of the best texts that hold the gram) / (share of the random texts that hold it)

A text counts once, however often it holds a gram. The gram of the highest lift is chosen first; then, of those that
share no word with a chosen one, the next, until each length has its number. What was used before is not chosen.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.round.sampling_section import Explore, Language
from tasks.core.sampling.motifs.word_rows import MOST_WORDS, WordRows, frequent_words, word_rows

LENGTHS = (2, 3)


@dataclass(frozen=True)
class Motif:
    """Words that stand together, and how often."""

    words: tuple[str, ...]
    best_texts: int
    """So many of the best texts hold it."""
    random_texts: int
    """So many of the random texts hold it."""
    lift: float

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True)
class Found:
    """A label's motifs, and which of the random texts hold each."""

    motifs: list[Motif]
    holders: list[NDArray[np.int64]]
    """The places, among the random texts, of those that hold the motif."""


def find_motifs(
    best: pa.ChunkedArray, random: pa.ChunkedArray, settings: Explore, language: Language, used: Collection[str]
) -> Found:
    """Return the motifs of the best texts against random ones; `used` are motifs that are not chosen again."""
    from tasks.core.sampling.motifs.gram_counts import frequent_grams  # noqa: PLC0415 - compiled loops, for who explores
    from tasks.core.sampling.motifs.gram_kernels import GramShape  # noqa: PLC0415

    vocabulary = frequent_words(best, language, settings.least_texts, settings.words)
    best_rows, random_rows = (word_rows(texts, language, vocabulary, settings.words) for texts in (best, random))
    skips = MOST_WORDS if settings.skips is None else settings.skips
    grams = frequent_grams(best_rows, GramShape(len(vocabulary), skips), settings.least_texts)
    counts = zip(grams.words(), grams.texts().tolist(), grams.texts_of(random_rows).tolist(), strict=True)
    candidates = [
        Motif(tuple(vocabulary[word] for word in words), in_best, in_random, _lift(in_best, best, in_random, random))
        for words, in_best, in_random in counts
        if in_random >= settings.least_texts
    ]
    motifs = choose(candidates, settings, used)
    return Found(motifs, [_holders(random_rows, motif, vocabulary, skips) for motif in motifs])


def choose(candidates: Iterable[Motif], settings: Explore, used: Collection[str]) -> list[Motif]:
    """Choose motifs by their lift, as many of each length as the settings ask for."""
    taken, chosen, free = set[str](), list[Motif](), dict.fromkeys(LENGTHS, settings.motifs)
    known = {tuple(motif.split()) for motif in used}
    for motif in sorted(candidates, key=lambda one: (-one.lift, -one.best_texts, one.words)):
        if motif.lift < settings.least_lift:
            break
        repeats = len(set(motif.words)) < len(motif.words)
        if free[len(motif.words)] and not repeats and taken.isdisjoint(motif.words) and motif.words not in known:
            free[len(motif.words)] -= 1
            taken |= set(motif.words)
            chosen.append(motif)
    return chosen


def _lift(in_best: int, best: pa.ChunkedArray, in_random: int, random: pa.ChunkedArray) -> float:
    return (in_best / len(best)) / (in_random / len(random))


def _holders(rows: WordRows, motif: Motif, vocabulary: list[str], skips: int) -> NDArray[np.int64]:
    from tasks.core.sampling.motifs.gram_kernels import holders  # noqa: PLC0415

    gram = np.array([vocabulary.index(word) for word in motif.words], np.int32)
    return np.flatnonzero(holders(rows, gram, skips))

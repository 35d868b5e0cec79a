"""Texts as rows of word numbers: what motifs are counted in, in five bytes a word."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.round.sampling_section import Language
from tasks.core.sampling.motifs.words import words_in

BATCH = 10_000
"""So many texts are Python's at once."""
MOST_WORDS = 255
"""A word's place in its text is one byte."""


class WordRows(NamedTuple):
    """The words of texts that are in a vocabulary, one text after another."""

    numbers: NDArray[np.int32]
    """Each word has its number in the vocabulary."""
    places: NDArray[np.uint8]
    """Each word has its place in its text, counted over all words of that text."""
    starts: NDArray[np.int64]
    """The words of text t are those from `starts[t]` to `starts[t + 1]`."""


def frequent_words(texts: pa.ChunkedArray, language: Language, least_texts: int, most_words: int) -> list[str]:
    """Return the words that stand in at least so many texts, in the order of the alphabet."""
    words, counts = words_in(language), Counter[str]()
    for batch in _batches(texts):
        for text in batch:
            counts.update(set(words(text)[:most_words]))
    return sorted(word for word, count in counts.items() if count >= least_texts)


def word_rows(texts: pa.ChunkedArray, language: Language, vocabulary: list[str], most_words: int) -> WordRows:
    """Return the first words of each text as rows of numbers, without those that are not in the vocabulary."""
    numbers = {word: number for number, word in enumerate(vocabulary)}
    parts = [_batch_rows(batch, language, numbers, most_words) for batch in _batches(texts)]
    empty = WordRows(np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.int64))
    found = WordRows(*(np.concatenate(columns) for columns in zip(*parts, empty, strict=True)))
    return found._replace(starts=np.concatenate([[0], np.cumsum(found.starts)]).astype(np.int64))


def _batch_rows(texts: list[str], language: Language, numbers: dict[str, int], most_words: int) -> WordRows:
    """Return the rows of some texts, with each text's number of words in place of its start."""
    words = words_in(language)
    rows = [[numbers.get(word, -1) for word in words(text)[:most_words]] for text in texts]
    lengths = np.array([len(row) for row in rows], np.int64)
    flat = np.array([number for row in rows for number in row], np.int32)
    places = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    known = flat >= 0
    kept = np.bincount(np.repeat(np.arange(len(rows)), lengths)[known], minlength=len(rows))
    return WordRows(flat[known], places[known].astype(np.uint8), kept.astype(np.int64))


def _batches(texts: pa.ChunkedArray) -> Iterator[list[str]]:
    """Give texts as Python has them, some at a time; one that is null is empty."""
    for first in range(0, len(texts), BATCH):
        yield [text or "" for text in texts.slice(first, BATCH).to_pylist()]

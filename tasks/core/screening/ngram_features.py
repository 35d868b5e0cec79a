"""Hashed n-grams of texts: characters 3 to 5 across words, and words 1 to 2, straight from Arrow's bytes.

Accents that are typed apart from their letters are put together (NFC), texts lower-cased, and runs of white space
become one space, as do a text's ends. A feature's value is 1 / root of the number of the text's n-grams. To fit, the
buckets are kept; to score, each text's weights are added as it is hashed, and no matrix is made.
"""

import unicodedata
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.screening.ngram_hashing import Codes, characters, compiled, hash_text, room_for
from tasks.core.screening.ngram_shape import LONGEST_TEXT, NgramShape

ACCENTS = np.array([0xCC, 0xCD], dtype=np.uint8)
"""In UTF-8 the accents of Latin, Greek and Cyrillic letters, U+0300 to U+036F, begin with these bytes."""


class TextBytes(NamedTuple):
    """Texts as Arrow keeps them, one after another in UTF-8."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    """Each text begins at its place, and ends where the next begins."""

    @property
    def longest(self) -> int:
        """Return the bytes of the longest text."""
        return int(np.diff(self.offsets).max(initial=0))

    @property
    def texts(self) -> int:
        """Return how many texts there are."""
        return len(self.offsets) - 1


def text_bytes(texts: pa.Array | pa.ChunkedArray) -> TextBytes:
    """Return the bytes of a column of texts; a text that is null is empty.

    Raises:
        InputDataError: a text is not UTF-8.
    """
    column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    column = column.cast(pa.large_string()).fill_null("")
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InputDataError(f"texts to screen are not UTF-8: {error}. Quarantine such rows first.") from None
    return _bytes_of(_compose(pc.utf8_slice_codeunits(column, 0, LONGEST_TEXT)))


def find_buckets(texts: TextBytes, shape: NgramShape) -> tuple[NDArray[np.int64], Codes]:
    """Return where each text's buckets begin, and the buckets, one text after another."""
    starts = np.zeros(texts.texts + 1, dtype=np.int64)
    _collect(texts, characters(), shape, texts.longest, starts, np.empty(0, dtype=np.uint32))
    buckets = np.empty(starts[-1], dtype=np.uint32)
    _collect(texts, characters(), shape, texts.longest, starts, buckets)
    return starts, buckets


def add_weights(texts: TextBytes, shape: NgramShape, weights: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return each text's sums of its features times their weights (buckets, labels).

    Sums are of integers, which have no order: to the last bit the same on every CPU.
    """
    sums = np.zeros((texts.texts, weights.shape[1]), dtype=np.float64)
    _add(texts, characters(), shape, texts.longest, _frozen(weights), sums)
    return sums


def _bytes_of(column: pa.LargeStringArray) -> TextBytes:
    _, offsets, data = column.buffers()
    places = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return TextBytes(_frozen(np.frombuffer(data or b"\0", np.uint8)), _frozen(places))


def _compose(column: pa.LargeStringArray) -> pa.LargeStringArray:
    """Compose the texts that hold accents typed apart; pyarrow 25's own NFC takes letters apart instead."""
    data, offsets = _bytes_of(column)
    begin, end = offsets[0], offsets[-1]
    accents = begin + np.flatnonzero(np.isin(data[begin:end], ACCENTS))
    if not len(accents):
        return column
    apart = np.zeros(len(column), dtype=np.bool_)
    apart[np.searchsorted(offsets, accents, side="right") - 1] = True
    composed = [unicodedata.normalize("NFC", text) for text in column.filter(pa.array(apart)).to_pylist()]
    return pc.replace_with_mask(column, pa.array(apart), pa.array(composed, pa.large_string()))


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to: numba compiles once for these, and again for arrays that can be."""
    view = array.view()
    view.flags.writeable = False
    return view


@compiled
def _collect(
    texts: TextBytes, table: Codes, shape: NgramShape, longest: int, starts: NDArray[np.int64], found: Codes
) -> None:
    """Fill in where texts' buckets begin and, where there is room for them, the buckets."""
    codes, buckets = room_for(longest, shape)
    for row in range(len(texts.offsets) - 1):
        text = texts.data[texts.offsets[row] : texts.offsets[row + 1]]
        count = hash_text(text, table, shape, codes, buckets)
        starts[row + 1] = starts[row] + count
        if len(found):
            found[starts[row] : starts[row + 1]] = buckets[:count]


@compiled
def _add(
    texts: TextBytes,
    table: Codes,
    shape: NgramShape,
    longest: int,
    weights: NDArray[np.int16],
    sums: NDArray[np.float64],
) -> None:
    codes, buckets = room_for(longest, shape)
    labels = weights.shape[1]
    sum_ = np.zeros(labels, np.int64)
    for row in range(len(texts.offsets) - 1):
        text = texts.data[texts.offsets[row] : texts.offsets[row + 1]]
        count = hash_text(text, table, shape, codes, buckets)
        sum_[:] = 0
        for bucket in buckets[:count]:
            for label in range(labels):
                sum_[label] += weights[bucket, label]
        for label in range(labels):
            sums[row, label] = sum_[label] / np.sqrt(np.float64(max(count, 1)))

"""The inner loops of hashed n-grams, compiled by numba: from a text's bytes to the numbers of its buckets.

All is integers, so that every CPU finds the same buckets. Nothing is kept on disk: each process compiles anew, which
takes a few seconds.
"""

from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from tasks.core.screening.ngram_shape import NgramShape

compiled = numba.njit(nogil=True)
Codes = NDArray[np.uint32]
CODE = np.uint32(0x1FFFFF)
WORD, SPACE = np.uint32(1 << 31), np.uint32(1 << 30)
SPACED = np.uint32(SPACE | np.uint32(32))
PLAIN_PLANES = 0x20000
"""Code points from here on have no lower case, and are of words."""
START = np.uint64(0xCBF29CE484222325)
FACTOR = np.uint64(0x9E3779B97F4A7C15)
NONE = np.uint64(0)


@cache
def characters() -> Codes:
    """Return what each code point is read as: its lower case, with a mark if it is of a word or white space."""
    table = np.arange(0x110000, dtype=np.uint32)
    for code in range(PLAIN_PLANES):
        character = chr(code)
        lower = character.lower()
        read = ord(lower) if len(lower) == 1 else code
        word = WORD if character.isalnum() or character == "_" else np.uint32(0)
        table[code] = SPACED if character.isspace() else read | word
    table[PLAIN_PLANES:] |= WORD
    return table


@compiled
def room_for(longest: int, shape: NgramShape) -> tuple[Codes, Codes]:
    """Return room for the code points and the buckets of a text of at most so many bytes."""
    kinds = shape.longest - shape.shortest + 3
    return np.empty(longest + 2, np.uint32), np.empty((longest + 2) * kinds, np.uint32)


@compiled
def hash_text(text: NDArray[np.uint8], table: Codes, shape: NgramShape, codes: Codes, buckets: Codes) -> int:
    """Fill in the buckets of a text's n-grams, one as often as its n-grams are there, and return their number."""
    length = _read(text, table, codes)
    count: int = _character_grams(codes, length, shape, buckets)
    if shape.words:
        count = _word_grams(codes[:length], shape, buckets, count)
    return count


@compiled
def _read(text: NDArray[np.uint8], table: Codes, codes: Codes) -> int:
    """Fill in a text's code points as they are read, with white space at both ends, and return their number."""
    codes[0] = SPACED
    length, place = 1, 0
    while place < len(text):
        code, place = _code_point(text, place)
        read = table[code]
        if not (read == SPACED and codes[length - 1] == SPACED):
            codes[length] = read
            length += 1
    if codes[length - 1] != SPACED:
        codes[length] = SPACED
        length += 1
    return length


@compiled
def _code_point(text: NDArray[np.uint8], place: int) -> tuple[np.uint32, int]:
    """Return the code point that begins at a place of a text, which is whole UTF-8, and where the next begins."""
    first = np.uint32(text[place])
    if first < 0x80:
        return first, place + 1
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    code = first & np.uint32(0x7F >> size)
    for further in range(1, size):
        code = (code << np.uint32(6)) | (np.uint32(text[place + further]) & np.uint32(0x3F))
    return code, place + size


@compiled
def _character_grams(codes: Codes, length: int, shape: NgramShape, buckets: Codes) -> int:
    count = 0
    for begin in range(length):
        hash_ = START
        for size in range(1, min(shape.longest, length - begin) + 1):
            hash_ = _mix(hash_, codes[begin + size - 1])
            if size >= shape.shortest:
                buckets[count] = _bucket(hash_, shape)
                count += 1
    return count


@compiled
def _word_grams(codes: Codes, shape: NgramShape, buckets: Codes, count: int) -> int:
    before, hash_ = NONE, NONE
    for code in codes:
        if code & WORD:
            hash_ = _mix(hash_ if hash_ != NONE else ~START, code)
        elif hash_ != NONE:
            buckets[count] = _bucket(hash_, shape)
            count += 1
            if before != NONE:
                buckets[count] = _bucket((before * FACTOR) ^ hash_, shape)
                count += 1
            before, hash_ = hash_, NONE
    return count


@compiled
def _mix(hash_: np.uint64, code: np.uint32) -> np.uint64:
    mixed = (hash_ ^ np.uint64(code & CODE)) * FACTOR
    return mixed ^ (mixed >> np.uint64(29))


@compiled
def _bucket(hash_: np.uint64, shape: NgramShape) -> np.uint32:
    return np.uint32((hash_ * FACTOR) >> np.uint64(64 - shape.bits))

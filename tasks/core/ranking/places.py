"""Numbers drawn for rows by their place and a key: who draws by them reads no row that was not drawn."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIXERS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
LAST_SHIFT = np.uint64(31)
"""The constants of SplitMix64, which spreads consecutive numbers evenly over all of 64 bits."""
ALL = 1 << 64


def place_numbers(key: str, part: str, rows: int) -> NDArray[np.uint64]:
    """Return an even number of 64 bits for each of a part's rows; another key or name of a part gives others.

    Raises:
        InputDataError: the key is empty, or too long.
    """
    if not 0 < len(key.encode()) <= hashlib.blake2b.MAX_KEY_SIZE:
        raise InputDataError(f"the key of a draw, {key!r}, must have 1 to {hashlib.blake2b.MAX_KEY_SIZE} bytes")
    seed = hashlib.blake2b(part.encode(), key=key.encode(), digest_size=8).digest()
    numbers = np.arange(1, rows + 1, dtype=np.uint64) * GOLDEN + np.frombuffer(seed, "<u8")
    for shift, factor in MIXERS:
        numbers = (numbers ^ (numbers >> shift)) * factor
    return np.asarray(numbers ^ (numbers >> LAST_SHIFT))

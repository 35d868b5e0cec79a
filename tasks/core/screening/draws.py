"""The draws: which rows of a pool the expert scores to fit, to choose, to calibrate and to audit.

A row's draw follows from its name and the key alone, so that resume and other shards draw the same rows, and none is in
two draws. A name has one text form: integers are their decimal digits. Rows that share a name share its draw, which
makes a bound too sure: whoever draws rows gives each a name of its own, such as id, file and place in the file.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.logical_types import id_type, plain

FIT, CHOOSE, AUDIT, CALIBRATE = "fit", "choose", "audit", "calibrate"
NAMES = (FIT, CHOOSE, AUDIT, CALIBRATE)
"""Draws lie on the line from 0 to 1 in this order: the last one can grow, and the others stay as they are."""
NO_DRAW = -1
MANTISSA_BITS = 53


@dataclass(frozen=True)
class Draws:
    """The shares of a pool that are drawn, under a key."""

    key: str
    fit: float
    """The screen is fitted on this share of the pool; the score from which a text is top is fixed there, too."""
    choose: float
    """The ratio of the stages' thresholds is chosen on this share of the pool."""
    audit: float
    """This share of the screened-out texts is scored by the expert, to see what was missed."""
    calibrate: float
    """The bound is read from this share of the pool, and nothing else is."""

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or sum(self.shares) > 1:
            raise InputDataError(
                f"the draws {dict(zip(NAMES, self.shares, strict=True))} are shares of a pool: none may be below 0, "
                "nor their sum above 1. Make them smaller, or leave screening off for so small a pool."
            )

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the draws' shares, in the order of NAMES."""
        return self.fit, self.choose, self.audit, self.calibrate

    def of(self, ids: pa.Array | pa.ChunkedArray) -> NDArray[np.int8]:
        """Return the number, in NAMES, of the draw that each row is in, NO_DRAW for most.

        Raises:
            InputDataError: an id is null, or of a type that ids cannot have.
        """
        edges = np.cumsum(self.shares)
        place = np.searchsorted(edges, places(ids, self.key), side="right")
        return np.where(place < len(NAMES), place, NO_DRAW).astype(np.int8)


def places(ids: pa.Array | pa.ChunkedArray, key: str) -> NDArray[np.float64]:
    """Return where each id lies on the line from 0 to 1, without 1: even, and another place under another key."""
    if not key or len(key.encode()) > hashlib.blake2b.MAX_KEY_SIZE:
        raise InputDataError(f"the key of the draws, {key!r}, must have 1 to {hashlib.blake2b.MAX_KEY_SIZE} bytes")
    keyed = hashlib.blake2b(key=key.encode(), digest_size=8)
    digests = b"".join(_digest(keyed, text) for text in id_texts(ids))
    return np.asarray((np.frombuffer(digests, "<u8") >> np.uint64(64 - MANTISSA_BITS)) * 2.0**-MANTISSA_BITS)


def id_texts(ids: pa.Array | pa.ChunkedArray) -> list[bytes]:
    """Return each id's one text form: what it says as a string, in UTF-8.

    Raises:
        InputDataError: an id is null, or of a type that ids cannot have.
    """
    column = plain(ids)
    if column.null_count:
        raise InputDataError(f"{column.null_count} of {len(column)} rows have no id; quarantine them before drawing.")
    if id_type(column.type) is None:
        raise InputDataError(f"ids of type {column.type} cannot be drawn by: they must be integers or strings.")
    found: list[bytes] = column.cast(pa.large_string()).cast(pa.large_binary()).to_pylist()
    return found


def _digest(keyed: "hashlib.blake2b", text: bytes) -> bytes:
    hash_ = keyed.copy()
    hash_.update(text)
    return hash_.digest()

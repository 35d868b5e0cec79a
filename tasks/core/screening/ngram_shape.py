"""What of a text becomes features of a screen. The loops that find them are compiled, and loaded where they run."""

from typing import NamedTuple

LONGEST_TEXT = 5_000
"""So many characters of a text are read: experts read a few hundred tokens, and long texts would fill the memory."""


class NgramShape(NamedTuple):
    """Which n-grams become features, and how many buckets there are."""

    shortest: int = 3
    longest: int = 5
    words: bool = True
    bits: int = 20

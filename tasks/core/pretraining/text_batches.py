"""Texts, so many at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
BATCH_TEXTS = 1_000


def in_batches(items: Iterable[T], size: int = BATCH_TEXTS) -> Iterator[list[T]]:
    """Yield lists of `size` items, the last perhaps shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch

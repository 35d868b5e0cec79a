"""Batches of similar length: sort, cut by a token budget, restore the order at the end."""

import numpy as np
from numpy.typing import NDArray


def plan_batches(lengths: NDArray[np.int64], batch_tokens: int) -> list[NDArray[np.int64]]:
    """Group row numbers into batches whose padded size stays within `batch_tokens`.

    Rows are taken by length, and by row number among equal lengths, so that the batches follow from the lengths alone.
    A row longer than the budget gets a batch of its own.
    """
    order = np.argsort(lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * lengths[order[stop]] <= batch_tokens:
            stop += 1
        batches.append(order[start:stop])
        start = stop
    return batches


def pad_batch(rows: list[list[int]], pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return token ids and attention mask of shape (rows, longest row), int64, padded on the right."""
    width = max(len(row) for row in rows)
    ids = np.full((len(rows), width), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask

"""Batches of texts of one length: nothing is padding, so that a text's score does not depend on its batch.

Runtimes sum in another order when a row is padded, and int8 and bf16 turn that into other logits; among rows of its own
length a text's logits stay the same to the last bit, except in engines that scale by the batch, which the gate refuses.

A runtime prepares kernels for each shape (rows, tokens) anew. How many rows a length's last batch holds is chance, so
copies of its last row fill it up to one of few numbers, and their logits are thrown away.
"""

import numpy as np
from numpy.typing import NDArray


def plan_batches(lengths: NDArray[np.int64], batch_tokens: int) -> list[NDArray[np.int64]]:
    """Group row numbers into batches of equal length and at most `batch_tokens` tokens.

    Rows are taken by length, and by row number among equal lengths, so that the batches follow from the lengths alone.
    A row longer than the budget gets a batch of its own.
    """
    order = np.argsort(lengths, kind="stable")
    batches = []
    for rows in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        size = max(1, batch_tokens // max(1, int(lengths[rows[0]]))) if len(rows) else 1
        batches += [rows[start : start + size] for start in range(0, len(rows), size)]
    return batches


def spread_batches(lengths: NDArray[np.int64], batch_tokens: int, count: int) -> NDArray[np.int64]:
    """Choose whole batches, evenly spread over the lengths, that hold at least `count` rows; return their numbers.

    An engine's time for all rows is the sum over their batches, and each batch has the same chance to be in this
    sample of them. A few hundred rows by themselves would make batches that are nearly empty.
    """
    planned = plan_batches(lengths, batch_tokens)
    for wanted in range(1, len(planned) + 1):
        middles = ((np.arange(wanted) + 0.5) * len(planned) / wanted).astype(np.int64)
        chosen = np.sort(np.concatenate([planned[middle] for middle in middles]))
        if len(chosen) >= count:
            return chosen
    return np.sort(np.concatenate(planned)) if planned else np.empty(0, dtype=np.int64)


def filled_size(rows: int, tokens: int, batch_tokens: int) -> int:
    """Return how many rows a batch of `rows` rows of `tokens` tokens is filled up to.

    That is the next of 1 to 8, 10, 12, 14, 16, 20, 24, ..., four from one power of two to the next, or a full batch: 24
    tokens have 22 shapes where they had 85, and half a percent of the tokens of a shard of 50,000 texts are copies.
    """
    step = max(1, (1 << (rows - 1).bit_length()) // 8)
    return max(rows, min(-(-rows // step) * step, batch_tokens // max(1, tokens)))


def stack_rows(rows: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return token ids and attention mask of shape (rows, tokens), int64, of rows of one length."""
    ids = np.array(rows, dtype=np.int64)
    return ids, np.ones_like(ids)

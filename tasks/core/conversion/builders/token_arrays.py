"""Token rows as the arrays that calibration, sensitivity and distillation feed to a graph: no padding anywhere."""

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.engines.batching import plan_batches, stack_rows

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]
"""A batch is token ids and attention mask, each of shape (rows, tokens)."""


def equal_length_batches(rows: list[list[int]], batch_tokens: int) -> list[Batch]:
    """Return `rows` in batches of one length and at most `batch_tokens` tokens, shortest first.

    Raises:
        InputDataError: there are no rows.
    """
    return [stack_rows([rows[row] for row in numbers]) for numbers in planned(rows, batch_tokens)]


def planned(rows: list[list[int]], batch_tokens: int) -> list[NDArray[np.int64]]:
    """Return the numbers of the rows of each batch.

    Raises:
        InputDataError: there are no rows.
    """
    if not rows:
        raise InputDataError("no texts were given to calibrate or teach an int8 model with; give a few hundred")
    return plan_batches(np.array([len(row) for row in rows], dtype=np.int64), batch_tokens)

"""How much a text's logits depend on the texts beside it."""

import numpy as np
from numpy.typing import NDArray

from tasks.core.engines.loading import Engine

TEXTS, PADDED_TEXTS = 96, 32
NEIGHBOURS = 512
SMALL_BATCH_TOKENS = 512
EXTRA_TOKENS = 8
Rows = list[list[int]]


def variances(engine: Engine, rows: Rows) -> tuple[float, float]:
    """Return the batch variance and the padding variance of texts that are spread over the lengths of `rows`.

    The first is the largest change of a logit when a text is scored alone, in its batch, and in another batch; the
    batches are those that scoring makes, of one length. The second is the largest change when texts are padded, as
    scoring never does: by 8 tokens, and to double.
    """
    order = np.argsort([len(row) for row in rows], kind="stable")
    numbers = order[np.linspace(0, len(rows) - 1, min(TEXTS, len(rows))).astype(np.int64)]
    chosen = [rows[number] for number in numbers]
    alone = np.concatenate([engine.logits([row]) for row in chosen])
    return _batch_variance(engine, rows, chosen, alone), _padding_variance(engine, rows, chosen, alone)


def _batch_variance(engine: Engine, rows: Rows, chosen: Rows, alone: NDArray[np.float32]) -> float:
    neighbours = rows[:NEIGHBOURS]
    own = engine.logits(neighbours + chosen)[len(neighbours) :]
    others = [row for row in reversed(neighbours) if len(row) % 2 == 0]
    other = engine.logits(others + chosen, SMALL_BATCH_TOKENS)[len(others) :]
    return float(np.max([np.abs(own - alone), np.abs(other - alone)]))  # np.max keeps a NaN, max may lose it


def _padding_variance(engine: Engine, rows: Rows, chosen: Rows, alone: NDArray[np.float32]) -> float:
    spread = slice(None, None, max(1, len(chosen) // PADDED_TEXTS))
    chosen, alone = chosen[spread], alone[spread]
    longest = max(len(row) for row in rows)
    widths = [
        [min(longest, len(row) + EXTRA_TOKENS) for row in chosen],
        [min(longest, 2 * len(row)) for row in chosen],
    ]
    return float(np.max([np.abs(_padded(engine, chosen, each) - alone) for each in widths]))


def _padded(engine: Engine, rows: Rows, widths: list[int]) -> NDArray[np.float32]:
    logits = []
    for row, width in zip(rows, widths, strict=True):
        ids = np.array([[*row, *[row[-1]] * (width - len(row))]], dtype=np.int64)
        mask = (np.arange(width) < len(row)).astype(np.int64)[None]
        logits.append(engine.run(ids, mask))
    return np.concatenate(logits)

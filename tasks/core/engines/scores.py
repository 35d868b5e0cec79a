"""From logits to scores, for every kind of head."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp


def margins(logits: NDArray[np.floating], column: int, head: str) -> NDArray[np.float64]:
    """Return the log-odds of the label in `column` from `logits` of shape (rows, columns), in float64.

    A `multi_label` column stands for itself; elsewhere the columns compete, as in a softmax.
    """
    wide = logits.astype(np.float64)
    if head == "multi_label":
        return np.asarray(wide[:, column])
    others = np.delete(wide, column, axis=1)
    return np.asarray(wide[:, column] - (others[:, 0] if others.shape[1] == 1 else logsumexp(others, axis=1)))


def label_scores(logits: NDArray[np.floating], column: int, head: str) -> NDArray[np.float64]:
    """Return the probability of the label in `column`.

    The sigmoid of float64 log-odds tells scores up to log-odds of about 36 apart; float32 stops at 17.
    """
    return np.asarray(expit(margins(logits, column, head)))

"""From logits to scores."""

import numpy as np
from numpy.typing import NDArray


def positive_scores(logits: NDArray[np.floating], positive: int = 1) -> NDArray[np.float64]:
    """Return the positive class's probability from two-column `logits`; `positive` is its column.

    Computed in float64 as the sigmoid of the difference, which tells margins up to about 36 apart; float32 stops at 17.
    """
    wide = logits.astype(np.float64)
    margin = wide[:, positive] - wide[:, 1 - positive]
    return np.asarray(1.0 / (1.0 + np.exp(-margin)))

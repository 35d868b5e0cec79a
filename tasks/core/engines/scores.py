"""From logits to scores, for every kind of head."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp

from tasks.core.base.errors import ModelFolderError


def require_finite(logits: NDArray[np.floating], of_what: str) -> None:
    """Refuse logits that are not finite: a sigmoid would make a score of an infinite one.

    Raises:
        ModelFolderError: a text has such a logit; the message says of how many, and of which first.
    """
    finite = np.isfinite(logits).all(axis=tuple(range(1, logits.ndim)))
    if not finite.all():
        first = int(np.argmin(finite))
        raise ModelFolderError(
            f"{of_what}: {int((~finite).sum())} of {len(logits)} texts have logits that are no finite numbers; the "
            f"first of them, text {first}, has {logits[first].tolist()}. The engine model overflows on such texts, so "
            "nothing is scored by it: convert again with another variant (conversion.variants in the round file)."
        )


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

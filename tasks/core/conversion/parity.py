"""How closely an engine model's logits and ranking follow its checkpoint's."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from tasks.core.errors import ParityError
from tasks.core.scores import margins

TOP = 100
STRICT_LOGIT_DIFFERENCE = 1e-4
"""Largest logit difference of an fp32 export; rounding alone stays near 1e-6."""
WORST_TEXTS = 5


@dataclass(frozen=True)
class Parity:
    """Figures of one variant against the checkpoint, over the same texts."""

    variant: str
    texts: int
    max_logit_difference: float
    mean_logit_difference: float
    kendall_tau: float
    """Over the label's log-odds."""
    overlap_top_100: float
    """Share of the checkpoint's 100 best texts that are among the variant's 100 best."""


def compare_logits(
    variant: str, reference: NDArray[np.floating], found: NDArray[np.floating], column: int, head: str
) -> Parity:
    """Compare logits of shape (texts, columns); `column` is the label's.

    Raises:
        ParityError: the shapes differ, or a logit is not a number.
    """
    if reference.shape != found.shape:
        raise ParityError(f"{variant} gives logits of shape {found.shape}, the checkpoint {reference.shape}")
    if not (np.isfinite(reference).all() and np.isfinite(found).all()):
        raise ParityError(f"{variant} or its checkpoint gives logits that are not finite numbers")
    difference = np.abs(reference - found)
    expected, actual = margins(reference, column, head), margins(found, column, head)
    return Parity(
        variant=variant,
        texts=len(reference),
        max_logit_difference=float(difference.max()),
        mean_logit_difference=float(difference.mean()),
        kendall_tau=float(kendalltau(expected, actual).statistic),
        overlap_top_100=_overlap(expected, actual, min(TOP, len(expected))),
    )


def require_strict_parity(parity: Parity, texts: list[str], reference: Any, found: Any) -> None:
    """Raise ParityError, naming the worst texts, unless every logit is within 1e-4 of the checkpoint's."""
    if parity.max_logit_difference <= STRICT_LOGIT_DIFFERENCE:
        return
    worst = np.abs(reference - found).max(axis=1).argsort()[::-1][:WORST_TEXTS]
    shown = "\n".join(
        f"  {texts[row][:80]!r}: checkpoint {reference[row].tolist()}, engine {found[row].tolist()}" for row in worst
    )
    raise ParityError(
        f"{parity.variant} differs from its checkpoint by up to {parity.max_logit_difference:.2g} in a logit; allowed "
        f"is {STRICT_LOGIT_DIFFERENCE:g}. The worst texts:\n{shown}\n"
        "The graph or its tokenizer is not the checkpoint's; nothing was registered."
    )


def _overlap(expected: NDArray[np.float64], actual: NDArray[np.float64], top: int) -> float:
    best = {int(row) for row in np.argsort(-expected, kind="stable")[:top]}
    return len(best.intersection(int(row) for row in np.argsort(-actual, kind="stable")[:top])) / top

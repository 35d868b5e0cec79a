"""A student judged as a screen for its teacher: what it must let pass to keep the teacher's best.

The threshold is an order statistic: the student's smallest score but `misses` among the teacher's best, ties let
through. How many misses are allowed is a function of how many best texts there are. As many as the recall leaves is
what the held-out texts say of themselves, at best; a certified bound allows fewer, and is given by who has one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError

MissesAllowed = Callable[[int, float], int]
"""It is given the number of best texts and the recall, and says how many of them a screen may lose."""


@dataclass(frozen=True)
class PassShare:
    """What a screen lets pass to keep the best of one label."""

    label: str
    top_share: float
    recall: float
    best_texts: int
    """So many of the held-out texts count as the teacher's best."""
    misses: int
    """So many of them are lost."""
    passed_share: float
    """So large a share of all held-out texts passes."""

    def record(self) -> dict[str, float | int | str]:
        """Return it as JSON."""
        return asdict(self)


def at_best(best_texts: int, recall: float) -> int:
    """Return how many misses keep the recall among these very texts; it promises nothing of others."""
    return math.floor((1 - recall) * best_texts + 1e-9)


def pass_share(
    teacher: NDArray[np.float64], student: NDArray[np.float64], top_share: float, misses: int
) -> tuple[int, float]:
    """Return how many texts are the teacher's best, and the share that a screen by the student lets pass for them."""
    best = teacher >= np.quantile(teacher, 1 - top_share, method="higher")
    kept = np.sort(student[best])
    threshold = kept[min(misses, len(kept) - 1)]
    return int(best.sum()), float((student >= threshold).mean())


def judge(
    teacher: NDArray[np.float64],
    student: NDArray[np.float64],
    labels: Sequence[str],
    tops: Sequence[float],
    recall: float,
    misses_allowed: MissesAllowed = at_best,
) -> list[PassShare]:
    """Judge a student on held-out texts; both matrices have the shape (rows, labels).

    Raises:
        InputDataError: the held-out texts are too few to hold one of the best.
    """
    shares = []
    for top in tops:
        if top * len(teacher) < 1:
            raise InputDataError(
                f"distillation.tops has {top:g}, but {len(teacher)} held-out texts hold none of such a top: raise "
                f"distillation.heldout_texts to {math.ceil(1 / top)} or more; a bound needs hundreds of times that"
            )
        for column, label in enumerate(labels):
            best, _ = pass_share(teacher[:, column], student[:, column], top, 0)
            misses = misses_allowed(best, recall)
            _, passed = pass_share(teacher[:, column], student[:, column], top, misses)
            shares.append(PassShare(label, top, recall, best, misses, passed))
    return shares

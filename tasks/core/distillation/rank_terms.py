"""A student judged as a screen for its teacher: what it must let pass to keep the teacher's best.

The threshold is an order statistic: the student's smallest score but `misses` among the teacher's best, ties let
through. As many misses as the recall leaves is what the held-out texts say of themselves, at best. The exact bound of
recall_bound.py allows fewer, and what passes then is certified: it keeps the recall among other texts of the sample.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.screening.promise import Promise
from tasks.core.screening.recall_bound import least_top_texts, misses_allowed


@dataclass(frozen=True)
class PassShare:
    """What a screen lets pass to keep the best of one label."""

    label: str
    top_share: float
    recall: float
    best_texts: int
    """So many of the held-out texts count as the teacher's best."""
    misses: int
    """At best, so many of them are lost."""
    passed_share: float
    """At best, so large a share of all held-out texts passes."""
    certified_misses: int | None
    """The bound lets so many of them be lost; None where there are too few for any bound."""
    certified_share: float
    """So large a share passes by the bound: all, where there is none."""
    best_texts_needed: int
    """The bound needs so many of the best."""

    def record(self) -> dict[str, float | int | str | None]:
        """Return it as JSON."""
        return asdict(self)


def at_best(best_texts: int, recall: float) -> int:
    """Return how many misses keep the recall among these very texts; it promises nothing of others."""
    return math.floor((1 - recall) * best_texts + 1e-9)


def certified(best_texts: int, promise: Promise) -> int | None:
    """Return how many misses keep the recall among other texts, with the promise's confidence; None for no bound.

    One text counts less than there are: that at the edge says where the best begin, and was not drawn from them.
    """
    return misses_allowed(best_texts - 1, promise)


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
    confidence: float,
) -> list[PassShare]:
    """Judge a student on held-out texts; both matrices have the shape (rows, labels).

    Raises:
        InputDataError: the held-out texts are too few to hold one of the best.
    """
    for top in tops:
        if top * len(teacher) < 1:
            raise InputDataError(
                f"distillation.tops has {top:g}, but {len(teacher)} held-out texts hold none of such a top: raise "
                f"distillation.heldout_texts to {math.ceil(1 / top)} or more; a bound needs hundreds of times that"
            )
    return [
        _judge(teacher[:, column], student[:, column], label, Promise(top, recall, confidence))
        for top in tops
        for column, label in enumerate(labels)
    ]


def _judge(teacher: NDArray[np.float64], student: NDArray[np.float64], label: str, promise: Promise) -> PassShare:
    top, recall = promise.top_share, promise.recall
    best, _ = pass_share(teacher, student, top, 0)
    misses, bounded = at_best(best, recall), certified(best, promise)
    _, passed = pass_share(teacher, student, top, misses)
    share = 1.0 if bounded is None else pass_share(teacher, student, top, bounded)[1]
    return PassShare(label, top, recall, best, misses, passed, bounded, share, least_top_texts(promise) + 1)

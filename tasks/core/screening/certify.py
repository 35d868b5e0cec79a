"""Certify a label: where its top begins, which path its stages take, and the bound on that path.

The three draws have one use each: on the fitting draw the screen is fitted and the top's least score is fixed; on the
choosing draw the path is chosen; from the calibration draw one threshold is read, and nothing else is decided by it but
whether screening pays at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.screening.certificate import ROWS, Counted, LabelCertificate, promise_sentence
from tasks.core.screening.joint_path import StageCosts, choose_path, reaching
from tasks.core.screening.promise import Promise
from tasks.core.screening.recall_bound import Bound, bound_recall, least_top_texts, misses_allowed

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """What a draw says of a label."""

    expert: Floats
    """The expert's score of each text."""
    stages: Floats
    """The stages' scores, of shape (texts, stages)."""

    def top(self, least: float) -> NDArray[np.bool_]:
        """Say which texts are the expert's top, from its least score on."""
        return self.expert >= least


def certify_label(
    fit: Floats, choose: Drawn, calibrate: Drawn, promise: Promise, costs: StageCosts, counted: Counted = ROWS
) -> LabelCertificate:
    """Return what can be promised of a label; `off` says why it is not screened, where it is not.

    Args:
        fit: The expert's scores of the fitting draw.
        choose: The choosing draw.
        calibrate: The calibration draw.
        promise: What must be kept.
        costs: What stages and expert take.
        counted: What a draw's texts are: rows of the pool, or distinct texts.
    """
    least = top_from(fit, promise.top_share)
    expected = max(round(promise.top_share * len(calibrate.expert)), least_top_texts(promise))
    lost = (misses_allowed(expected, promise) or 0) / expected
    path = choose_path(choose.stages, choose.top(least), lost, costs)
    top = calibrate.top(least)
    bound = bound_recall(path.settings(calibrate.stages[top]), promise)
    shares = [1.0] * (len(costs.stages) + 1) if bound is None else reaching(path, calibrate.stages, bound.threshold)
    return LabelCertificate(
        top_from=least,
        top_share_fit=float((fit >= least).mean()),
        top_share_calibrate=float(top.mean()),
        top_texts_choose=int(choose.top(least).sum()),
        top_texts_calibrate=int(top.sum()),
        offsets=path.offsets,
        threshold=bound.threshold if bound else None,
        misses_allowed=bound.misses_allowed if bound else None,
        misses=bound.misses if bound else None,
        reaching=tuple(shares),
        recall=promise.recall,
        confidence=promise.confidence,
        promise=promise_sentence(least, promise, counted) if bound else "",
        off=_why_off(bound, int(top.sum()), shares, promise, costs),
    )


def top_from(expert: Floats, top_share: float) -> float:
    """Return the least score of a draw's top; scores that tie with it are of the top, too."""
    if not len(expert) or not np.isfinite(expert).all():
        raise InputDataError(
            f"the fitting draw has {len(expert)} expert scores, {int((~np.isfinite(expert)).sum())} of them no finite "
            "numbers: where the top begins cannot be told. Score that draw again."
        )
    size = min(max(round(top_share * len(expert)), 1), len(expert))
    return float(np.partition(expert, len(expert) - size)[len(expert) - size])


def _why_off(bound: Bound | None, top: int, shares: list[float], promise: Promise, costs: StageCosts) -> str:
    if bound is None:
        return (
            f"screening is off: the calibration draw holds {top} top texts, and the bound needs "
            f"{least_top_texts(promise)}. Every text is scored by the expert. Enlarge the calibration draw."
        )
    if costs.of(shares) >= costs.expert:
        return (
            f"screening is off: to keep its promise it would pass {shares[-1]:.1%} of the pool, and with its stages "
            f"cost {costs.of(shares) / costs.expert:.2f} times what the expert alone does. Every text is scored by the "
            "expert."
        )
    return ""

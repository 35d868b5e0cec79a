"""Figures of a classifier, named once and the same everywhere: MLflow, tables, selection.

Each is taken label by label over the rows whose target is not blank, then averaged over the labels (macro). Where a
figure needs 0 or 1, a soft target counts as 1 from 0.5 on; log loss and Brier score use it as it is.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py, xlogy

from tasks.core.metrics.heads import THRESHOLD, decide
from tasks.core.round.sections import Head

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LOWER_IS_BETTER = frozenset({"log_loss", "brier"})
PER_LABEL = ("average_precision", "f1", "precision", "recall")
"""These figures are also given label by label when a model has several."""
SMALLEST = float(np.finfo(np.float32).eps)


def _precision_at(count: int) -> Callable[[Floats, Floats, Flags], float]:
    """Share of true rows among the `count` best-scored; rows tied at the edge count in proportion."""

    def precision(targets: Floats, scores: Floats, _: Flags) -> float:
        top = min(count, len(scores))
        edge = np.partition(scores, -top)[-top]
        above, tied = scores > edge, scores == edge
        hits = (targets[above] >= THRESHOLD).sum()
        share = (targets[tied] >= THRESHOLD).mean()
        return float((hits + share * (top - above.sum())) / top)

    return precision


def _of_ranking(name: str) -> Callable[[Floats, Floats, Flags], float]:
    def figure(targets: Floats, scores: Floats, _: Flags) -> float:
        from sklearn import metrics  # noqa: PLC0415 - half a second, and most who import this module only name figures

        return float(getattr(metrics, name)(targets >= THRESHOLD, scores))

    return figure


def _precision(targets: Floats, _: Floats, decisions: Flags) -> float:
    return _share(_hits(targets, decisions), decisions.sum())


def _recall(targets: Floats, _: Floats, decisions: Flags) -> float:
    return _share(_hits(targets, decisions), (targets >= THRESHOLD).sum())


def _f1(targets: Floats, _: Floats, decisions: Flags) -> float:
    return _share(2 * _hits(targets, decisions), (targets >= THRESHOLD).sum() + decisions.sum())


def _hits(targets: Floats, decisions: Flags) -> int:
    return int((decisions & (targets >= THRESHOLD)).sum())


def _share(part: int, whole: int) -> float:
    """Return part of the whole; 0 where there is nothing, as scikit-learn does with `zero_division=0`."""
    return float(part / whole) if whole else 0.0


def _log_loss(targets: Floats, scores: Floats, _: Flags) -> float:
    clipped = np.clip(scores, SMALLEST, 1 - SMALLEST)
    return float(-(xlogy(targets, clipped) + xlog1py(1 - targets, -clipped)).mean())


METRICS: dict[str, Callable[[Floats, Floats, Flags], float]] = {
    "average_precision": _of_ranking("average_precision_score"),
    "roc_auc": _of_ranking("roc_auc_score"),
    "f1": _f1,
    "precision": _precision,
    "recall": _recall,
    "log_loss": _log_loss,
    "brier": lambda targets, scores, _: float(((scores - targets) ** 2).mean()),
    "precision_at_20": _precision_at(20),
    "precision_at_50": _precision_at(50),
}


def label_figures(name: str, targets: Floats, scores: Floats, decisions: Flags) -> list[float]:
    """Return the figure called `name` for every label; the arrays have the shape (rows, labels)."""
    figures = []
    for column in range(targets.shape[1]):
        known = ~np.isnan(targets[:, column])
        figures.append(float(METRICS[name](targets[known, column], scores[known, column], decisions[known, column])))
    return figures


def best_thresholds(targets: Floats, scores: Floats) -> Floats:
    """Return for each label the score from which on F1 is best; the highest of equal ones."""
    from sklearn.metrics import precision_recall_curve  # noqa: PLC0415

    thresholds = []
    for column in range(targets.shape[1]):
        known = ~np.isnan(targets[:, column])
        precision, recall, cuts = precision_recall_curve(targets[known, column] >= THRESHOLD, scores[known, column])
        f1 = 2 * precision * recall / np.maximum(precision + recall, SMALLEST)
        thresholds.append(cuts[np.flatnonzero(f1[:-1] == f1[:-1].max())[-1]])
    return np.array(thresholds)


def all_figures(
    head: Head, labels: Sequence[str], targets: Floats, scores: Floats, thresholds: Floats | None = None
) -> dict[str, float]:
    """Return every figure; with several labels also those of PER_LABEL as `average_precision.joy`.

    `thresholds`, one a label, are those of the validation split: `f1_best_threshold` is F1 there, F1, precision and
    recall are taken at 0.5 (multi_class: the most probable class).
    """
    decisions = decide(head, scores)
    figures = {}
    for name in METRICS:
        values = label_figures(name, targets, scores, decisions)
        figures[name] = float(np.mean(values))
        if len(labels) > 1 and name in PER_LABEL:
            figures |= {f"{name}.{label}": value for label, value in zip(labels, values, strict=True)}
    if thresholds is not None:
        figures["f1_best_threshold"] = float(np.mean(label_figures("f1", targets, scores, scores >= thresholds)))
    return figures

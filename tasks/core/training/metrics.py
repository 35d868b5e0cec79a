"""Figures of a binary classifier, named once and the same everywhere: MLflow, tables, selection."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

THRESHOLD = 0.5


def binary_metrics(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> dict[str, float]:
    """Return the figures of `scores` (probabilities of the positive class) against `labels` (0 or 1).

    Average precision is the step-wise area under precision and recall, as scikit-learn defines it. F1, precision and
    recall are taken at a probability of 0.5; precision is 0 when nothing reaches it.
    """
    predictions = (scores >= THRESHOLD).astype(np.int64)
    return {
        "average_precision": float(average_precision_score(labels, scores)),
        "roc_auc": float(roc_auc_score(labels, scores)),
        "f1": float(f1_score(labels, predictions, zero_division=0)),
        "precision": float(precision_score(labels, predictions, zero_division=0)),
        "recall": float(recall_score(labels, predictions, zero_division=0)),
        "log_loss": float(log_loss(labels, scores, labels=[0, 1])),
    }

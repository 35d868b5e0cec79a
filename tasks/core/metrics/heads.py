"""What the heads differ in: classes, columns of labels, loss, decisions.

binary        one label, two logits, softmax      a row of another label is "other"
multi_label   a logit a label, sigmoid            blank targets count neither in the loss nor in figures
multi_class   a logit a class, softmax            exactly one class is true
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.naming.round_names import OTHER_CLASS
from tasks.core.engines.scores import label_scores
from tasks.core.round.sections import Head

THRESHOLD = 0.5


def class_names(head: Head, labels: Sequence[str]) -> list[str]:
    """Return the names of the logits' columns, in order."""
    return [OTHER_CLASS, *labels] if head == "binary" else list(labels)


def label_column(head: Head, labels: Sequence[str], label: str) -> int:
    """Return the logits' column of `label`."""
    return labels.index(label) + (1 if head == "binary" else 0)


def scores_of_labels(head: Head, labels: Sequence[str], logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the probabilities of the labels, of shape (rows, labels)."""
    columns = [label_scores(logits, label_column(head, labels, label), head) for label in labels]
    return np.stack(columns, axis=1)


def decide(head: Head, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which labels are predicted: the most probable one of `multi_class`, else each that reaches 0.5."""
    if head == "multi_class":
        return np.asarray(np.eye(scores.shape[1], dtype=bool)[scores.argmax(axis=1)])
    return np.asarray(scores >= THRESHOLD)


def loss_function(head: Head) -> Callable[..., Any]:
    """Return the Trainer's loss: cross-entropy, or binary cross-entropy over the targets that are not blank.

    Targets have shape (rows, labels) and are probabilities: 0 and 1, or shares of annotators.
    """
    from torch.nn.functional import (  # noqa: PLC0415 - torch only where a model is trained
        binary_cross_entropy_with_logits,
        cross_entropy,
    )

    def loss(outputs: Any, targets: Any, num_items_in_batch: Any = None) -> Any:  # noqa: ARG001
        logits = outputs.logits.float()
        if head == "multi_label":
            known = ~targets.isnan()
            return binary_cross_entropy_with_logits(logits[known], targets[known])
        if head == "binary":
            targets = targets.new_tensor([[1.0, 0.0]]) + targets * targets.new_tensor([[-1.0, 1.0]])
        return cross_entropy(logits, targets)

    return loss

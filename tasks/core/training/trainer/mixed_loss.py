"""A loss on two targets of a text: what experts think of it, and what it is; either may be blank.

Temperatures divide logits, of the student and of the experts: a probability is made log-odds again, divided, and made a
probability once. The loss on what experts think is scaled by the square of the temperature, so that its gradients stay
as large as they were.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax

from tasks.core.metrics.heads import loss_function
from tasks.core.round.sections import Head
from tasks.core.training.seeds.seed_plan import Mixing

SMALLEST = 1e-7
"""Probabilities are kept so far from 0 and 1 where they are made log-odds."""


def mixed_loss(head: Head, labels: int, mixing: Mixing) -> Callable[..., Any]:
    """Return the Trainer's loss for targets of shape (rows, 2 * labels): first the experts', then the hard ones.

    Targets of shape (rows, labels) are those of evaluation, and get the loss that they get without experts.
    """
    plain = loss_function(head)

    def loss(outputs: Any, targets: Any, num_items_in_batch: Any = None) -> Any:
        if targets.shape[1] == labels:
            return plain(outputs, targets, num_items_in_batch)
        logits = outputs.logits.float()
        soft, hard = targets[:, :labels], targets[:, labels:]
        of = _competing if head == "multi_class" else _each_by_itself
        weight = _weight_of_hard(soft, hard, mixing.alpha)
        if head == "binary":
            logits = logits[:, 1:] - logits[:, :1]
        return of(logits, soft, hard, weight, mixing.temperature)

    return loss


def _weight_of_hard(soft: torch.Tensor, hard: torch.Tensor, alpha: float) -> torch.Tensor:
    """Return how much each hard target weighs: all where it is alone, nothing where there is none."""
    weight = torch.full_like(soft, alpha)
    weight[soft.isnan()] = 1.0
    weight[hard.isnan()] = 0.0
    return weight


def _each_by_itself(
    logits: torch.Tensor, soft: torch.Tensor, hard: torch.Tensor, weight: torch.Tensor, temperature: float
) -> torch.Tensor:
    known = ~(soft.isnan() & hard.isnan())
    softened = torch.sigmoid(soft.nan_to_num(0.5).clamp(SMALLEST, 1 - SMALLEST).logit() / temperature)
    of_soft = binary_cross_entropy_with_logits(logits / temperature, softened, reduction="none") * temperature**2
    of_hard = binary_cross_entropy_with_logits(logits, hard.nan_to_num(0.5), reduction="none")
    return ((1 - weight) * of_soft + weight * of_hard)[known].mean()


def _competing(
    logits: torch.Tensor, soft: torch.Tensor, hard: torch.Tensor, weight: torch.Tensor, temperature: float
) -> torch.Tensor:
    known = ~(soft.isnan() & hard.isnan()).any(dim=1)
    softened = log_softmax(soft.nan_to_num(0.5).clamp(min=SMALLEST).log() / temperature, dim=1).exp()
    of_soft = cross_entropy(logits / temperature, softened, reduction="none") * temperature**2
    of_hard = cross_entropy(logits, hard.nan_to_num(0.0), reduction="none")
    return ((1 - weight[:, 0]) * of_soft + weight[:, 0] * of_hard)[known].mean()

"""The loss on what experts think and what a text is: against sums done by hand, squashed once."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, logit

from tasks.core.metrics.heads import loss_function
from tasks.core.training.seeds.seed_plan import Mixing
from tasks.core.training.trainer.mixed_loss import mixed_loss

NONE = float("nan")
LOGITS = torch.tensor([[2.0, -1.0], [0.5, 0.3], [-3.0, 1.0]])


def loss_of(head, labels, mixing, targets, logits=LOGITS):
    return float(mixed_loss(head, labels, mixing)(SimpleNamespace(logits=logits), torch.tensor(targets)))


def entropy(logits, targets):
    """Binary cross-entropy of float64 logits."""
    return np.logaddexp(0, logits) - targets * logits


@pytest.mark.parametrize("head", ["multi_label", "binary", "multi_class"])
def test_without_hard_targets_and_temperature_it_is_the_trainers_own_loss(head):
    soft = [[0.9], [0.2], [0.4]] if head == "binary" else [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]
    blank = [[NONE] * len(soft[0]) for _ in soft]
    mixed = loss_of(head, len(soft[0]), Mixing(0.0, 1.0), np.concatenate([soft, blank], axis=1).astype(np.float32))
    plain = float(loss_function(head)(SimpleNamespace(logits=LOGITS), torch.tensor(soft)))
    assert mixed == pytest.approx(plain, abs=1e-6)


def test_document_001_is_half_hard_half_soft_at_temperature_5_squashed_once():
    soft, hard = np.array([0.9, 0.2, 0.4]), np.array([1.0, 0.0, 0.0])
    margins = (LOGITS[:, 1] - LOGITS[:, 0]).double().numpy()
    softened = expit(logit(soft) / 5)
    wanted = 0.5 * entropy(margins, hard) + 0.5 * 25 * entropy(margins / 5, softened)
    found = loss_of("binary", 1, Mixing(0.5, 5.0), np.stack([soft, hard], axis=1).astype(np.float32))
    assert found == pytest.approx(float(wanted.mean()), rel=1e-5)
    twice = 0.5 * entropy(margins, hard) + 0.5 * 25 * entropy(margins / 5, expit(soft / 5))
    assert abs(found - float(twice.mean())) > 0.01


def test_the_experts_own_logits_are_where_the_loss_is_least():
    soft = torch.tensor([[0.9, 0.03], [0.2, 0.5]])
    targets = torch.cat([soft, torch.full_like(soft, NONE)], dim=1)
    for temperature in (1.0, 5.0):
        logits = soft.logit().requires_grad_()
        mixed_loss("multi_label", 2, Mixing(0.0, temperature))(SimpleNamespace(logits=logits), targets).backward()
        assert logits.grad.abs().max() < 1e-6


def test_a_target_that_is_alone_counts_whole_and_a_blank_text_not_at_all():
    targets = np.array([[0.9, NONE, NONE, 1.0], [NONE, NONE, NONE, NONE], [NONE, 0.3, 0.0, 1.0]], dtype=np.float32)
    logits = LOGITS.double().numpy()
    wanted = [
        entropy(logits[0, 0], 0.9),
        entropy(logits[0, 1], 1.0),
        entropy(logits[2, 0], 0.0),
        0.75 * entropy(logits[2, 1], 0.3) + 0.25 * entropy(logits[2, 1], 1.0),
    ]
    assert loss_of("multi_label", 2, Mixing(0.25, 1.0), targets) == pytest.approx(float(np.mean(wanted)), rel=1e-5)


def test_classes_compete_at_the_temperature():
    soft, hard = np.array([[0.7, 0.3]]), np.array([[0.0, 1.0]])
    logits = LOGITS[:1].double().numpy()
    softened = np.exp(log_softmax(np.log(soft) / 2, axis=1))
    of_soft = -4 * (softened * log_softmax(logits / 2, axis=1)).sum()
    of_hard = -(hard * log_softmax(logits, axis=1)).sum()
    found = loss_of(
        "multi_class", 2, Mixing(0.3, 2.0), np.concatenate([soft, hard], axis=1).astype(np.float32), LOGITS[:1]
    )
    assert found == pytest.approx(0.7 * of_soft + 0.3 * of_hard, rel=1e-5)


def test_evaluation_with_one_kind_of_target_is_as_without_experts():
    targets = [[1.0], [0.0], [1.0]]
    plain = float(loss_function("binary")(SimpleNamespace(logits=LOGITS), torch.tensor(targets)))
    assert loss_of("binary", 1, Mixing(0.5, 5.0), targets) == pytest.approx(plain)

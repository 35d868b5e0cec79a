import numpy as np
import pytest
import sklearn.metrics
import torch
from transformers.modeling_outputs import SequenceClassifierOutput

from tasks.core.engines.scores import label_scores, margins
from tasks.core.metrics.figures import METRICS, all_figures, best_thresholds
from tasks.core.metrics.heads import class_names, decide, loss_function, scores_of_labels

NAN = float("nan")


def column(*values):
    return np.array(values, dtype=np.float64)[:, None]


def figures(targets, scores, thresholds=(0.5,)):
    return all_figures("binary", ["a"], targets, scores, np.array(thresholds))


def test_figures_are_those_of_a_worked_example():
    found = figures(column(1, 0, 1, 0), column(0.9, 0.8, 0.7, 0.1), thresholds=[0.85])
    assert found["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == 1.0
    assert found["f1"] == pytest.approx(0.8)
    assert found["f1_best_threshold"] == pytest.approx(2 / 3)
    assert found["roc_auc"] == pytest.approx(0.75)
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.09 + 0.01) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.2, 0.7, 0.9]).mean())


def test_a_metric_for_each_name_of_the_issue():
    assert set(figures(column(1, 0), column(0.9, 0.1))) == {
        "average_precision", "roc_auc", "f1", "precision", "recall", "log_loss", "brier",
        "precision_at_20", "precision_at_50", "f1_best_threshold",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["f1", "precision", "recall"])
def test_figures_of_decisions_are_scikit_learns_to_the_last_bit(name):
    draw = np.random.default_rng(5)
    for shares in ((0.3, 0.4), (0, 0.4), (0.3, 0), (0, 0), (1, 1)):
        targets, decisions = draw.random(97) < shares[0], draw.random(97) < shares[1]
        wanted = getattr(sklearn.metrics, f"{name}_score")(targets, decisions, zero_division=0)
        assert METRICS[name](targets.astype(np.float64), np.zeros(97), decisions) == wanted


def test_precision_at_20_counts_rows_tied_at_the_edge_in_proportion():
    targets = np.r_[np.ones(15), np.zeros(3), np.ones(4), np.zeros(78)]
    scores = np.r_[np.full(18, 0.9), np.full(8, 0.5), np.full(74, 0.1)]
    expected = (15 + 2 * 4 / 8) / 20
    for order in (np.arange(100), np.random.default_rng(0).permutation(100)):
        assert METRICS["precision_at_20"](targets[order], scores[order], scores[order] > 1) == pytest.approx(expected)


def test_a_certain_and_wrong_score_costs_much_and_not_infinitely():
    assert 10 < METRICS["log_loss"](np.array([1.0]), np.array([0.0]), np.array([False])) < 20


def test_blank_targets_do_not_count():
    whole = figures(column(1, 0, 1, 0), column(0.9, 0.8, 0.7, 0.1))
    assert figures(column(1, NAN, 0, 1, 0, NAN), column(0.9, 0.99, 0.8, 0.7, 0.1, 0)) == whole


def test_soft_targets_rank_by_their_majority_and_cost_as_they_are():
    found = figures(column(0.67, 0.33), column(0.8, 0.3))
    assert found["average_precision"] == 1.0
    assert found["brier"] == pytest.approx((0.13**2 + 0.03**2) / 2)
    assert found["log_loss"] == pytest.approx(
        -np.mean([0.67 * np.log(0.8) + 0.33 * np.log(0.2), 0.33 * np.log(0.3) + 0.67 * np.log(0.7)])
    )


def test_several_labels_are_averaged_and_given_one_by_one():
    targets = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], dtype=float)
    scores = np.array([[0.9, 0.9], [0.8, 0.8], [0.7, 0.7], [0.1, 0.1]])
    found = all_figures("multi_label", ["joy", "anger"], targets, scores)
    assert found["average_precision"] == pytest.approx(
        (found["average_precision.joy"] + found["average_precision.anger"]) / 2
    )
    assert found["average_precision.joy"] == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_a_class_is_predicted_when_it_is_the_most_probable_one():
    scores = np.array([[0.4, 0.35, 0.25], [0.2, 0.2, 0.6]])
    assert decide("multi_class", scores).tolist() == [[True, False, False], [False, False, True]]
    assert decide("multi_label", scores).tolist() == [[False] * 3, [False, False, True]]


def test_the_best_threshold_is_the_highest_with_the_best_f1():
    assert best_thresholds(column(1, 1, 0, 0), column(0.9, 0.6, 0.4, 0.1)).tolist() == [0.6]


def test_logits_become_the_probabilities_of_each_head():
    logits = np.array([[0.0, 1.0, 3.0], [2.0, -1.0, 0.5]], dtype=np.float32)
    softmax = torch.softmax(torch.from_numpy(logits).double(), dim=1).numpy()
    sigmoid = torch.sigmoid(torch.from_numpy(logits).double()).numpy()
    labels = ["x", "y", "z"]
    assert scores_of_labels("multi_class", labels, logits) == pytest.approx(softmax)
    assert scores_of_labels("multi_label", labels, logits) == pytest.approx(sigmoid)
    two = torch.softmax(torch.from_numpy(logits[:, :2]).double(), dim=1).numpy()
    assert scores_of_labels("binary", ["y"], logits[:, :2])[:, 0] == pytest.approx(two[:, 1])
    assert class_names("binary", ["y"]) == ["other", "y"]


def test_scores_do_not_saturate_where_float32_does():
    logits = np.array([[-9.0, 9.0], [-10.0, 10.0], [-15.0, 15.0]], dtype=np.float32)
    assert len(set(label_scores(logits, 1, "binary"))) == 3
    assert margins(logits, 1, "binary").tolist() == [18.0, 20.0, 30.0]


@pytest.mark.parametrize(("head", "columns"), [("binary", 2), ("multi_class", 3)])
def test_the_loss_is_cross_entropy(head, columns):
    torch.manual_seed(0)
    logits = torch.randn(4, columns)
    classes = torch.tensor([0, 1, 1, columns - 1])
    targets = classes[:, None].float() if head == "binary" else torch.eye(3)[classes]
    loss = loss_function(head)(SequenceClassifierOutput(logits=logits), targets)
    assert loss.item() == pytest.approx(torch.nn.functional.cross_entropy(logits, classes).item())


def test_the_loss_of_several_labels_passes_over_blanks_also_in_its_gradient():
    logits = torch.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
    targets = torch.tensor([[1.0, NAN], [0.3, 0.0]])
    loss = loss_function("multi_label")(SequenceClassifierOutput(logits=logits), targets)
    known = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor([1.0, 0.5, 3.0]), torch.tensor([1.0, 0.3, 0.0])
    )
    assert loss.item() == pytest.approx(known.item())
    loss.backward()
    assert logits.grad[0, 1] == 0
    assert torch.isfinite(logits.grad).all()

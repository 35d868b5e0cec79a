import numpy as np
import pytest

from tasks.core.corpus.labelled import LabelledSplits
from tasks.core.errors import TrainingError
from tasks.core.training.metrics import binary_metrics
from tasks.core.training.seed_plan import SeedResult
from tasks.core.training.selection import select_seed


def result(seed, validation, test=0.5):
    metrics = {
        f"{split}_{name}": value
        for split, value in (("validation", validation), ("test", test))
        for name in ("average_precision", "f1", "precision", "recall")
    }
    return SeedResult("positive", seed, f"hash{seed}", [], metrics, {})


SPLITS = LabelledSplits("positive", "/nowhere", "digest", {}, {}, {})


def select(results, seeds):
    return select_seed(SPLITS, seeds, results, "average_precision", {})


def test_the_best_on_validation_wins_whatever_its_test_figure():
    selection = select([result(1, 0.80, 0.99), result(2, 0.81, 0.1)], (1, 2))
    assert selection.winner.seed == 2
    assert [row["winner"] for row in selection.table()] == ["", "yes"]


def test_figures_are_not_rounded_before_they_are_compared():
    assert select([result(1, 0.8000001), result(2, 0.8000002)], (1, 2)).winner.seed == 2


def test_of_equal_seeds_the_lowest_wins_whatever_the_order():
    assert select([result(3, 0.9), result(1, 0.9), result(2, 0.1)], (1, 2, 3)).winner.seed == 1


@pytest.mark.parametrize(
    "results", [[result(1, 0.9)], [result(1, 0.9), result(1, 0.9)], [result(1, 0.9), result(7, 0.9)]]
)
def test_a_missing_foreign_or_doubled_seed_fails(results):
    with pytest.raises(TrainingError, match=r"asks for \[1, 2\]"):
        select(results, (1, 2))


def test_metrics_are_those_of_a_worked_example():
    figures = binary_metrics(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert figures["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert figures["precision"] == pytest.approx(2 / 3)
    assert figures["recall"] == 1.0
    assert figures["f1"] == pytest.approx(0.8)
    assert figures["roc_auc"] == pytest.approx(0.75)

import numpy as np
import pytest

from tasks.core.metrics.bootstrap import draw_resamples, interval, lead, resampled_values


@pytest.fixture(scope="module")
def rows():
    """400 rows, a fifth true, ranked well by `good`, equally well by `twin`, and by chance by `chance`."""
    draw = np.random.default_rng(0)
    targets = (draw.random((400, 1)) < 0.2).astype(float)
    noise = draw.random((400, 3))
    good = np.clip(0.3 * targets + 0.7 * noise[:, :1], 0, 1)
    twin = np.clip(0.3 * targets + 0.7 * noise[:, 1:2], 0, 1)
    return targets, {"good": good, "twin": twin, "chance": noise[:, 2:]}


def values(rows, model, metric="average_precision"):
    targets, scores = rows
    return resampled_values(metric, "binary", targets, scores[model], draw_resamples(targets, 200))


def test_the_interval_holds_the_figure_and_is_the_same_again(rows):
    first = interval(values(rows, "good"))
    targets, scores = rows
    whole = resampled_values("average_precision", "binary", targets, scores["good"], [np.arange(400)])[0]
    assert first.low < whole < first.high
    assert interval(values(rows, "good")) == first


def test_more_rows_give_a_narrower_interval(rows):
    targets, scores = rows
    few = slice(0, 60)
    resamples = draw_resamples(targets[few], 200)
    narrow = interval(values(rows, "good"))
    wide = interval(resampled_values("average_precision", "binary", targets[few], scores["good"][few], resamples))
    assert wide.high - wide.low > narrow.high - narrow.low


def test_twins_are_tied_and_chance_is_not(rows):
    good = values(rows, "good")
    assert lead("average_precision", good, values(rows, "twin")).low <= 0
    assert lead("average_precision", good, values(rows, "chance")).low > 0


def test_where_lower_is_better_the_lead_turns_round(rows):
    good, chance = values(rows, "good", "log_loss"), values(rows, "chance", "log_loss")
    assert lead("log_loss", good, chance).low > 0


def test_every_resample_of_a_rare_label_can_be_ranked():
    targets = np.zeros((50, 1))
    targets[:2] = 1
    for rows in draw_resamples(targets, 100):
        assert targets[rows].sum() > 0


def test_many_rare_labels_are_measured_by_those_that_a_resample_can_rank():
    """With 153 labels of two true rows each, no resample holds them all."""
    targets = np.zeros((600, 153))
    for label in range(153):
        targets[2 * label : 2 * label + 2, label] = 1
    values = resampled_values("average_precision", "multi_label", targets, targets, draw_resamples(targets, 20))
    assert values == pytest.approx(np.ones(20))

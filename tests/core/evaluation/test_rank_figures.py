"""Figures of a simulated pool whose truth is known: covered by their intervals, by draws that overlap too."""

import numpy as np
import pytest
from scipy.special import expit

from tasks.core.base.errors import EvaluationError
from tasks.core.evaluation.labelled_ranks import Known, LabelledRanks, RankDraw
from tasks.core.evaluation.rank_figures import positives_down_to, precision_at, precision_curve, recall_at
from tasks.core.evaluation.rank_strata import rank_strata

ROWS = 200_000
RANKS = np.arange(1, ROWS + 1)
POOLS = {
    "good": expit(-1.5 * np.log(RANKS / 5_000)),
    "rare": 0.9 * expit(-np.log(RANKS / 300)),
    "collapsed": np.where(RANKS < 200, 0.1, 0.6 * expit(-1.5 * np.log(RANKS / 20_000))),
    "none": np.zeros(ROWS),
    "all of the best": (RANKS <= 8_000).astype(float),
    "half": np.full(ROWS, 0.5),
}
STRATA = rank_strata(17, 100_000, ROWS, (20, 50, 10_000))
"""Nothing is drawn below rank 100,000."""


def truth_of(pool):
    return np.random.default_rng(3).random(ROWS) < POOLS[pool]


def draw(truth, first, last, count, chance):
    ranks = np.sort(chance.choice(np.arange(first, last + 1), min(count, last - first + 1), replace=False))
    return RankDraw(first, last, ranks, truth[ranks - 1].astype(float))


def rank_sample(truth, chance, texts=10):
    return [draw(truth, first, last, texts, chance) for first, last in STRATA]


def held(estimate, true):
    return estimate.low - 1e-9 <= true <= estimate.high + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("pool", POOLS)
def test_precision_positives_and_recall_cover_the_truth_in_at_least_93_of_100_draws(pool):
    """A thousand draws; rank sample, 50 of the best 10,000 and 100 of all, as a round buys them."""
    truth, chance = truth_of(pool), np.random.default_rng(0)
    held_by = {"20": 0, "50": 0, "10000": 0, "777": 0, "positives": 0, "recall": 0}
    for _ in range(1_000):
        more = [draw(truth, 1, 10_000, 50, chance), draw(truth, 1, ROWS, 100, chance)]
        labels = LabelledRanks(ROWS, [*rank_sample(truth, chance), *more])
        for rank in (20, 50, 777, 10_000):
            held_by[str(rank)] += held(precision_at(labels, rank).estimate, truth[:rank].mean())
        held_by["positives"] += held(positives_down_to(labels, ROWS), truth.sum())
        recall = recall_at(labels, 10_000)
        held_by["recall"] += recall is None or held(recall, truth[:10_000].sum() / max(truth.sum(), 1))
    assert min(held_by.values()) >= 930, held_by


def test_estimates_are_right_on_average():
    truth, chance = truth_of("good"), np.random.default_rng(1)
    found = [precision_at(LabelledRanks(ROWS, rank_sample(truth, chance)), 10_000).estimate.value for _ in range(600)]
    assert np.mean(found) == pytest.approx(truth[:10_000].mean(), abs=3 * np.std(found) / 600**0.5)


def test_more_labels_of_another_draw_make_the_interval_narrower():
    truth, chance = truth_of("good"), np.random.default_rng(2)
    sample = rank_sample(truth, chance)
    alone = precision_at(LabelledRanks(ROWS, sample), 10_000).estimate
    both = precision_at(LabelledRanks(ROWS, [*sample, draw(truth, 1, 10_000, 500, chance)]), 10_000).estimate
    assert both.high - both.low < 0.6 * (alone.high - alone.low)


def test_a_text_that_two_draws_hold_counts_once():
    one = RankDraw(1, 10, np.array([2, 5]), np.array([1.0, 0.0]))
    two = RankDraw(1, 10, np.array([5, 9]), np.array([0.0, 1.0]))
    found = precision_at(LabelledRanks(10, [one, two]), 10)
    assert (found.labelled, found.estimate.value) == (3, pytest.approx(2 / 3))


def test_an_answer_that_does_not_count_is_no_label():
    unsure = RankDraw(1, 4, np.array([1, 2, 3]), np.array([1.0, np.nan, 1.0]))
    found = precision_at(LabelledRanks(10, [unsure]), 4)
    assert (found.labelled, found.estimate.low, found.estimate.high) == (2, 0.5, 1)


def test_what_draws_left_out_because_it_was_labelled_before_is_known_not_drawn():
    known = Known(np.array([1, 2, 3]), np.array([1.0, 1.0, np.nan]))
    labels = LabelledRanks(10, [RankDraw(1, 10, np.array([4, 5]), np.array([0.0, 0.0]))], known)
    found = positives_down_to(labels, 10)
    assert found.low == 2
    assert found.high == 8


def test_a_threshold_inside_a_stratum_uses_the_texts_above_it():
    ranks = np.array([3, 40, 60, 90])
    labels = LabelledRanks(100, [RankDraw(1, 100, ranks, np.array([1.0, 1.0, 0.0, 0.0]))])
    assert precision_at(labels, 50).estimate.value == 1


def test_ranks_of_which_nothing_is_labelled_are_named_and_have_room_in_the_interval():
    labels = LabelledRanks(100, [RankDraw(1, 50, np.arange(1, 51), np.ones(50))])
    found = precision_at(labels, 100)
    assert found.unlabelled_stretches == ("ranks 51 to 100",)
    assert (found.estimate.low, found.estimate.high) == (0.5, 1)
    assert "nothing labelled of ranks 51 to 100" in str(found)


def test_without_one_answer_nothing_is_estimated():
    labels = LabelledRanks(100, [RankDraw(1, 50, np.array([3]), np.array([np.nan]))])
    with pytest.raises(EvaluationError, match="none of the 20 best texts has an answer"):
        precision_at(labels, 20)
    assert labels.reach == 0
    assert precision_curve(labels) == []
    assert recall_at(labels, 10) is None


def test_a_pool_smaller_than_the_rank_is_measured_whole():
    labels = LabelledRanks(30, [RankDraw(1, 30, np.arange(1, 31), np.ones(30))])
    assert (precision_at(labels, 10_000).rank, precision_at(labels, 10_000).estimate.value) == (30, 1)


def test_the_curve_goes_down_to_where_labels_reach():
    truth = truth_of("good")
    curve = precision_curve(LabelledRanks(ROWS, rank_sample(truth, np.random.default_rng(4))))
    assert (curve[0].first, curve[-1].last) == (1, 100_000)
    assert all(point.within.low <= point.within.value <= point.within.high for point in curve)
    assert curve[-1].down_to.value < curve[0].down_to.value


def test_recall_falls_with_true_texts_that_were_not_found():
    chance = np.random.default_rng(5)
    truth = np.arange(1_000) < 100
    labels = LabelledRanks(1_000, [draw(truth, 1, 50, 50, chance), draw(truth, 51, 1_000, 400, chance)])
    found = recall_at(labels, 50)
    assert found.low < 0.5 < found.high
    assert recall_at(labels, 1_000).value == 1


def test_a_draw_of_another_ranking_is_refused():
    with pytest.raises(EvaluationError, match="belongs to another ranking"):
        RankDraw(1, 10, np.array([3, 12]), np.array([1.0, 0.0]))

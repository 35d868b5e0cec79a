"""Each rule at its edge."""

import numpy as np
import pytest
from scipy.stats import binom, hypergeom

from tasks.core.metrics.warning_rules import (
    cut_share,
    has_edge,
    has_spread,
    is_a_top,
    is_behind,
    is_cut_often,
    is_far_from_pool,
    length_that_cuts_less,
    shares_differ,
)


@pytest.mark.parametrize("metric", ["average_precision", "f1", "precision_at_20"])
def test_a_baseline_that_is_equal_is_not_ahead(metric):
    assert is_behind(metric, 0.946, 0.965)
    assert not is_behind(metric, 0.9, 0.9)
    assert not is_behind(metric, 0.965, 0.946)


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_where_lower_is_better_the_baseline_is_ahead_below(metric):
    assert is_behind(metric, 0.2, 0.1)
    assert not is_behind(metric, 0.1, 0.1)
    assert not is_behind(metric, 0.1, 0.2)


def test_two_runs_have_a_spread_and_one_has_none():
    assert has_spread(2)
    assert not has_spread(1)


def test_a_best_k_leaves_a_text_out_and_a_top_half_of_them():
    assert [has_edge(1_000, texts) for texts in (566, 1_000, 1_001)] == [False, False, True]
    assert [is_a_top(1_000, texts) for texts in (566, 1_999, 2_000)] == [False, False, True]


def test_splits_differ_where_chance_parts_them_so_in_less_than_one_draw_of_a_hundred():
    """Ten of each split: by the hypergeometric distribution 8 to 2 is had in 2.3 % of draws, 9 to 1 in 0.1 %."""
    two_sided = 2 * hypergeom.sf(8, 20, 10, 10)
    assert two_sided < 0.01
    assert shares_differ((9, 1), (1, 9))
    assert 2 * hypergeom.sf(7, 20, 10, 10) > 0.01
    assert not shares_differ((8, 2), (2, 8))
    assert shares_differ((9, 1), (1, 9), comparisons=9)
    assert not shares_differ((9, 1), (1, 9), comparisons=10)
    assert two_sided == pytest.approx(0.00109, abs=1e-5)


def test_splits_of_one_pool_are_seldom_said_to_differ():
    draw = np.random.default_rng(0)
    positives = draw.binomial(60, 0.3, size=(400, 2))
    said = sum(shares_differ((a, 60 - a), (b, 60 - b)) for a, b in positives.tolist())
    assert said <= binom.ppf(0.999, 400, 0.01)


def test_a_split_is_far_from_the_pool_where_its_interval_leaves_the_pools_out():
    edge = next(share for share in np.arange(0.3, 0, -0.0001) if is_far_from_pool(30, 70, 0, share))
    assert binom.sf(29, 100, edge) == pytest.approx(0.005, rel=0.02)
    assert not is_far_from_pool(30, 70, 0, edge + 0.0002)
    assert not is_far_from_pool(30, 70, 0, 1)
    assert is_far_from_pool(0, 100, 0.06, 0.1)
    assert not is_far_from_pool(0, 100, 0.05, 0.1)


def test_a_text_of_the_very_length_is_not_cut_and_five_per_cent_are_not_many():
    tokens = np.array([32] * 95 + [33] * 5)
    assert cut_share(tokens, 32) == 0.05
    assert cut_share(tokens, 33) == 0
    assert not is_cut_often(0.05)
    assert is_cut_often(0.0501)


@pytest.mark.parametrize(
    ("tokens", "longest", "length"),
    [
        ([10] * 94 + [40] * 6, None, 40),
        ([10] * 94 + [41] * 6, None, 48),
        ([10] * 94 + [41] * 6, 44, 44),
        ([10] * 95 + [500] * 5, None, 16),
        ([10, 20, 30], None, 32),
        ([100], 64, 64),
    ],
)
def test_the_longer_length_cuts_no_more_than_five_per_cent(tokens, longest, length):
    assert length_that_cuts_less(np.array(tokens), longest) == length
    assert longest is not None or not is_cut_often(cut_share(np.array(tokens), length))

"""Bins of scores: in order, fine, and the same as a receipt says them again."""

import numpy as np
import pytest

from tasks.core.runs.score_bins import (
    BINS,
    FIRST_OF_EXPERT,
    bins_of,
    bounds_of,
    count_bins,
    read_counts,
    spell_counts,
)

EDGES = (0, -0.0, 1e-320, 2.0**-53, 0.25, 0.5, 0.75, 1, -np.finfo(float).eps, -0.5, -1, -2)


def scores_of(seed):
    log_odds = np.random.default_rng(seed).normal(-3, 6, 20_000)
    inside = 1 / (1 + np.exp(-log_odds))
    edges = np.array(EDGES, dtype=float)
    near = np.concatenate([np.nextafter(edges, -9), edges, np.nextafter(edges, 9)])
    return np.sort(np.concatenate([inside, inside - 1, inside - 2, near]))


def test_a_higher_score_never_lies_in_a_lower_bin():
    bins = bins_of(scores_of(1))
    assert np.diff(bins).min() >= 0
    assert (bins.min(), bins.max() < BINS) == (0, True)


def test_the_experts_scores_lie_above_all_others_and_each_stage_has_its_own_place():
    scores = scores_of(2)
    assert ((bins_of(scores) >= FIRST_OF_EXPERT) == (scores >= 0)).all()
    earlier, last = bins_of(np.array([-1 - np.finfo(float).eps, -1.0]))
    assert earlier < last


def test_a_bin_is_a_small_step_of_the_log_odds():
    scores = np.linspace(1e-9, 1 - 1e-9, 400_000)
    log_odds, bins = np.log(scores / (1 - scores)), bins_of(scores)
    first = np.flatnonzero(np.diff(bins, prepend=-1))
    last = np.append(first[1:], len(scores)) - 1
    assert (log_odds[last] - log_odds[first]).max() < 1 / 24


def test_all_scores_of_a_bin_lie_within_its_bounds_and_few_others_do():
    scores = scores_of(3)
    bins = bins_of(scores)
    for bin_ in np.unique(bins)[::37]:
        low, high = bounds_of(int(bin_), int(bin_))
        own = scores[bins == bin_]
        assert low <= own.min() <= own.max() <= high
        if 0 < bin_ < BINS - 1:
            assert set(bins_of(np.clip([low, high], scores[0], scores[-1])) - bin_) <= {-1, 0, 1}


def test_counts_come_back_as_they_were():
    counts = count_bins(scores_of(4))
    bins, found = read_counts(spell_counts(counts))
    assert (counts[bins] == found).all()
    assert found.sum() == counts.sum()
    assert [len(part) for part in read_counts(spell_counts(np.zeros(BINS, dtype=np.int64)))] == [0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "1 2 3",
        "-1 2",
        "5 0",
        "5 -1",
        "5 1 0 1",
        "5 1 -2 1",
        f"{BINS} 1",
        "a b",
        "1 2.5",
        "1 " + "9" * 30,
        f"{2**62} 1 " * 4,
    ],
)
def test_what_is_no_counts_is_refused(text):
    with pytest.raises(ValueError, match="are no steps and counts"):
        read_counts(text)

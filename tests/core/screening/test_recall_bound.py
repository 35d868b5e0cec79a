"""The bound is the exact one: its table, what it refuses, and ties."""

import numpy as np
import pytest
from scipy.stats import binom

from tasks.core.base.errors import InputDataError, RoundFileError
from tasks.core.screening.promise import Promise
from tasks.core.screening.recall_bound import bound_recall, least_top_texts, misses_allowed

PROMISE = Promise()


@pytest.mark.parametrize(
    ("top_texts", "misses"), [(299, 0), (473, 1), (1_049, 5), (2_000, 12), (5_000, 38), (10_000, 83)]
)
def test_the_misses_allowed_are_those_of_the_exact_binomial(top_texts, misses):
    assert misses_allowed(top_texts, PROMISE) == misses


@pytest.mark.parametrize("recall", [0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_one_more_miss_would_be_one_too_many(recall, confidence):
    promise = Promise(recall=recall, confidence=confidence)
    for top_texts in (least_top_texts(promise), 3_000, 7_777):
        k = misses_allowed(top_texts, promise)
        assert k is not None or top_texts < least_top_texts(promise)
        if k is not None:
            assert binom.cdf(k, top_texts, 1 - recall) <= 1 - confidence < binom.cdf(k + 1, top_texts, 1 - recall)


@pytest.mark.parametrize(("recall", "confidence"), [(0.99, 0.95), (0.9, 0.95), (0.95, 0.99), (0.5, 0.5), (0.75, 0.75)])
def test_one_top_text_fewer_than_the_least_bounds_nothing(recall, confidence):
    promise = Promise(recall=recall, confidence=confidence)
    least = least_top_texts(promise)
    assert misses_allowed(least, promise) == 0
    assert misses_allowed(least - 1, promise) is None


def test_99_per_cent_at_95_needs_299_top_texts():
    assert least_top_texts(PROMISE) == 299
    assert bound_recall(np.arange(298.0), PROMISE) is None
    assert bound_recall([], PROMISE) is None


def test_the_threshold_is_the_score_after_the_misses_allowed():
    bound = bound_recall(np.random.default_rng(0).permutation(1_049).astype(float), PROMISE)
    assert (bound.threshold, bound.misses, bound.misses_allowed, bound.top_texts) == (5.0, 5, 5, 1_049)


def test_scores_that_tie_at_the_threshold_all_pass():
    scores = np.r_[[0.0, 1.0], np.full(10, 2.0), np.arange(3.0, 1_040.0)]
    bound = bound_recall(scores, PROMISE)
    assert bound.threshold == 2.0
    assert bound.misses == 2 < bound.misses_allowed == 5


def test_a_screen_that_gives_all_one_score_lets_all_pass():
    assert bound_recall(np.zeros(500), PROMISE).misses == 0


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(InputDataError, match=r"1 of 300 screen scores .* are no numbers"):
        bound_recall(np.r_[np.arange(299.0), np.nan], PROMISE)


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("recall", 1.0, "no draw can show that nothing at all is missed"),
        ("recall", 0.0, "no draw can show"),
        ("confidence", 1.0, "no draw is certain to be like its pool"),
        ("confidence", 1.5, "no draw is certain"),
        ("top_share", 0.0, "leaves nothing to screen for"),
        ("top_share", 1.0, "leaves nothing to screen for"),
        ("top_share", float("nan"), "leaves nothing to screen for"),
    ],
)
def test_what_cannot_be_promised_is_refused_with_why(setting, value, why):
    with pytest.raises(RoundFileError, match=f"inference.screening.{setting} is {value}, .*{why}"):
        Promise(**{setting: value})


def test_labels_that_share_a_confidence_each_promise_more():
    shared = PROMISE.shared_by(5)
    assert shared.confidence == pytest.approx(0.99)
    assert least_top_texts(shared) == 459
    assert PROMISE.shared_by(1).confidence == pytest.approx(0.95)

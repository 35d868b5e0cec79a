"""The certificate is honest: fresh draws keep the stated recall as often as stated, and wrong ways do not."""

import numpy as np
import pytest

from tasks.core.screening.certificate import LabelCertificate
from tasks.core.screening.certify import certify_label, top_from
from tasks.core.screening.promise import Promise
from tasks.core.screening.recall_bound import bound_recall
from tests.support.kept_promises import keeps
from tests.support.simulated import COSTS, COSTS1, SCREEN, STUDENT, kept_recall, population, recalls

RECALLS, TOPS = (0.9, 0.95, 0.99), (0.005, 0.01, 0.02)
PROMISES = [Promise(top, recall, 0.95) for recall in RECALLS for top in TOPS]
EXTREMES = [Promise(0.02, 0.9, 0.95), Promise(0.005, 0.99, 0.95)]
"""Those that ask for the least and for the most; the others are drills."""
PROMISED = [pytest.param(one, marks=() if one in EXTREMES else pytest.mark.drill, id=str(one)) for one in PROMISES]


@pytest.fixture(scope="module")
def pools():
    return [population(seed) for seed in range(5)]


def of_stages(pools, stages):
    return [pool if stages == 2 else pool.only(SCREEN) for pool in pools]


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("promise", [Promise(0.02, 0.9, 0.95), Promise(0.02, 0.99, 0.9)])
def test_fresh_draws_keep_what_is_promised(pools, promise, stages):
    assert keeps(recalls(of_stages(pools[:1], stages), promise, 100), promise)


@pytest.mark.slow
@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("promise", PROMISED)
def test_1000_fresh_draws_of_a_label_keep_what_is_promised(pools, promise, stages):
    assert keeps(recalls(of_stages(pools[:1], stages), promise, 1_000), promise)


@pytest.mark.slow
@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("promise", PROMISED)
def test_five_labels_that_share_the_confidence_all_keep_what_is_promised(pools, promise, stages):
    found = recalls(of_stages(pools, stages), promise.shared_by(5), 200)
    assert keeps(np.fmin.reduce(found, axis=1), promise)


EASY = Promise(0.02, 0.95, 0.95)


@pytest.mark.slow
@pytest.mark.parametrize("stages", [1, 2])
def test_five_labels_are_all_kept_at_once_where_they_share_the_confidence(pools, stages):
    found = recalls(of_stages(pools, stages), EASY.shared_by(5), 60)
    assert keeps(np.fmin.reduce(found, axis=1), EASY)


@pytest.mark.slow
def test_five_labels_with_the_whole_confidence_each_are_seldom_enough_kept_at_once(pools):
    found = recalls(of_stages(pools, 1), EASY, 300)
    assert all(keeps(column, EASY) for column in found.T)
    assert not keeps(np.fmin.reduce(found, axis=1), EASY)


def bounded(threshold, fit, calibrate, offsets=(0.0,)):
    """Return a certificate with a threshold that was found some other way."""
    least = top_from(fit, EASY.top_share)
    return LabelCertificate(
        least, 0.02, 0.02, 0, 0, offsets, threshold, 0, 0, (1.0, 0.1), EASY.recall, EASY.confidence, "", ""
    )


def at_empirical_recall(fit, choose, calibrate, promise, costs):
    top = calibrate.stages[calibrate.expert >= top_from(fit, promise.top_share), 0]
    return bounded(np.quantile(top, 1 - promise.recall), fit, calibrate)


def test_a_threshold_at_the_draws_own_recall_keeps_it_half_of_the_time(pools):
    found = recalls([pools[0].only(SCREEN)], EASY, 200, at_empirical_recall)
    assert not keeps(found, EASY)
    assert 0.3 < (found >= EASY.recall).mean() < 0.7


def test_the_best_of_8_screens_by_the_calibration_draw_keeps_less_than_is_promised():
    random = np.random.default_rng(0)
    pool = population(7)
    guesses = pool.expert[:, None] * 0.8 + random.normal(size=(len(pool.expert), 8)) * 1.2
    kept = []
    for _ in range(300):
        fit, calibrate = random.integers(0, len(guesses), 8_000), random.integers(0, len(guesses), 5_000)
        least = top_from(pool.expert[fit], EASY.top_share)
        top = pool.expert[calibrate] >= least
        bounds = [bound_recall(column[top], EASY).threshold for column in guesses[calibrate].T]
        best = int(
            np.argmin([(column >= bound).mean() for column, bound in zip(guesses[calibrate].T, bounds, strict=True)])
        )
        kept.append((guesses[pool.expert >= least, best] >= bounds[best]).mean())
    assert not keeps(np.array(kept), EASY)


def test_draws_weighted_by_the_screens_score_lose_what_they_seldom_see():
    pool = population(3, unseen=0.2).only(SCREEN)
    random = np.random.default_rng(0)
    weights = np.exp(pool.stages[:, 0] / 2)
    cumulated = np.cumsum(weights / weights.sum())
    kept = []
    for _ in range(50):
        fit = pool.expert[random.integers(0, len(pool.expert), 8_000)]
        rows = np.minimum(np.searchsorted(cumulated, random.random(5_000)), len(cumulated) - 1)
        drawn = pool.drawn(rows)
        top = drawn.stages[drawn.expert >= top_from(fit, EASY.top_share), 0]
        kept.append(kept_recall(pool, bounded(bound_recall(top, EASY).threshold, fit, drawn)))
    assert np.mean(np.array(kept) >= EASY.recall) < 0.1


def budgets(calibrate, top, each):
    """Return a threshold a stage, each bounded by itself, and which texts of the draw pass both."""
    found = [bound_recall(calibrate.stages[top, stage], each).threshold for stage in (SCREEN, STUDENT)]
    return found, (calibrate.stages >= found).all(axis=1)


@pytest.mark.slow
def test_a_budget_for_each_stage_keeps_too_little_or_passes_more_than_one_path(pools):
    pool, random = pools[0], np.random.default_rng(0)
    half = Promise(EASY.top_share, 1 - (1 - EASY.recall) / 2, 1 - (1 - EASY.confidence) / 2)
    kept, passed, joint = [], [], []
    for _ in range(100):
        fit, choose, calibrate = (random.integers(0, len(pool.expert), size) for size in (8_000, 8_000, 20_000))
        drawn, least = pool.drawn(calibrate), top_from(pool.expert[fit], EASY.top_share)
        whole, _ = budgets(drawn, drawn.expert >= least, EASY)
        kept.append((pool.stages[pool.expert >= least] >= whole).all(axis=1).mean())
        passed.append(budgets(drawn, drawn.expert >= least, half)[1].mean())
        joint.append(certify_label(pool.expert[fit], pool.drawn(choose), drawn, EASY, COSTS).reaching[-1])
    assert not keeps(np.array(kept), EASY)
    assert np.mean(joint) < np.mean(passed)


def test_a_label_that_the_screen_cannot_see_passes_most_of_the_pool_or_is_not_screened():
    blind = population(5, unseen=1.0).only(SCREEN)
    half = population(6, unseen=0.5).only(SCREEN)
    random = np.random.default_rng(0)
    for pool in (blind, half):
        assert keeps(np.nan_to_num(recalls([pool], EASY, 100), nan=1), EASY)  # nothing is lost of a label that is off
    rows = random.integers(0, len(half.expert), 40_000)
    said = certify_label(
        half.expert[rows[:8_000]], half.drawn(rows[8_000:16_000]), half.drawn(rows[16_000:]), EASY, COSTS1
    )
    assert said.reaching[-1] > 0.8

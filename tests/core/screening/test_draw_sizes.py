"""Draws are as large as pool and promise ask, and grow on the number of top texts alone."""

from dataclasses import replace

import pytest

from tasks.core.screening.draw_sizes import DrawSizes, cheapest_draw, grow, least_draw, plan_sizes
from tasks.core.screening.promise import Promise

PROMISE = Promise()


def test_of_a_pool_of_100_million_about_7_in_1000_calibrate():
    assert cheapest_draw(100_000_000, PROMISE) == pytest.approx(700_000, rel=0.02)


def test_the_bounds_least_draw_has_its_299_top_texts_almost_surely():
    assert 60_000 < least_draw(PROMISE) < 75_000


def test_a_small_pool_is_drawn_from_as_the_bound_needs():
    sizes = plan_sizes(1_000_000, PROMISE)
    assert sizes.calibrate == least_draw(PROMISE) == sizes.fit
    assert sizes.off is None
    assert sizes.texts < 250_000


@pytest.mark.parametrize(
    ("easier", "harder"),
    [
        (Promise(), Promise(recall=0.999)),
        (Promise(), Promise(confidence=0.999)),
        (Promise(top_share=0.01), Promise(top_share=0.001)),
    ],
)
@pytest.mark.parametrize("pool", [1_000_000, 10**9])
def test_harder_promises_draw_more(easier, harder, pool):
    assert least_draw(easier) < least_draw(harder)
    assert cheapest_draw(pool, easier) < cheapest_draw(pool, harder) or harder.recall > easier.recall


def test_sizes_that_are_given_stand():
    sizes = plan_sizes(10**7, PROMISE, {"fit": 250_000, "audit": 0})
    assert (sizes.fit, sizes.audit) == (250_000, 0)
    assert plan_sizes(10**7, PROMISE, {"calibrate": 100_000}).choose == 25_000


def test_a_pool_that_is_too_small_is_scored_in_full_and_says_why():
    sizes = plan_sizes(200_000, PROMISE)
    assert (sizes.texts, sizes.calibrate) == (0, 0)
    assert "must hold 299 top texts" in sizes.off
    assert "of the pool's 200000 texts, and may take 50%" in sizes.off
    assert "0.99 of the top 0.005 at confidence 0.95" in sizes.off


def test_sizes_become_shares_of_the_pool_and_a_grown_draw_holds_the_former():
    sizes = DrawSizes(60_000, 15_000, 30_000, 60_000)
    draws = sizes.draws("key", 10**6)
    assert draws.shares == (0.06, 0.015, 0.03, 0.06)
    assert grow(sizes, 10**6, PROMISE, 298).draws("key", 10**6) == replace(draws, calibrate=0.12)


def test_a_draw_with_enough_top_texts_does_not_grow():
    sizes = plan_sizes(10**6, PROMISE)
    assert grow(sizes, 10**6, PROMISE, 299) is sizes


def test_a_draw_that_lacks_top_texts_grows_to_what_their_rarity_asks_for():
    sizes = DrawSizes(60_000, 15_000, 30_000, 60_000)
    grown = grow(sizes, 10**7, PROMISE, 100)
    assert grown.calibrate / 60_000 * 100 > 350
    assert (grown.fit, grown.choose, grown.audit) == (sizes.fit, sizes.choose, sizes.audit)
    assert grow(sizes, 10**7, PROMISE, 298).calibrate == 120_000


def test_a_draw_that_finds_none_grows_beyond_the_pool_and_screening_is_off():
    grown = grow(DrawSizes(60_000, 15_000, 30_000, 60_000), 10**6, PROMISE, 0)
    assert "its first 60000 held 0" in grown.off
    assert grow(grown, 10**6, PROMISE, 0) is grown

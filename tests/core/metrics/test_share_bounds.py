import numpy as np
import pytest
from scipy.stats import binom

from tasks.core.metrics.share_bounds import share_bound, share_interval


@pytest.mark.parametrize("found", [0, 1, 8])
@pytest.mark.parametrize("texts", [50, 1_000, 16_004])
def test_a_pool_beyond_the_bound_shows_as_little_in_less_than_one_draw_of_twenty(found, texts):
    """Exactly, and simulated: of 4,000 draws from a pool in which a little more than the bound is faulty."""
    bound = share_bound(found, texts)
    assert binom.cdf(found, texts, bound) == pytest.approx(0.05)
    as_few = (np.random.default_rng(0).binomial(texts, min(1, bound * 1.02), 4_000) <= found).mean()
    assert as_few < 0.055


def test_where_none_is_found_the_bound_is_the_rule_of_three():
    assert 0.99 * 3 / 16_004 < share_bound(0, 16_004) < 3 / 16_004
    assert share_bound(5, 5) == 1


@pytest.mark.parametrize(("found", "texts"), [(0, 100), (1, 100), (37, 5_000), (5, 5)])
def test_an_interval_leaves_a_fortieth_of_the_draws_on_either_side(found, texts):
    low, high = share_interval(found, texts)
    assert low <= found / texts <= high
    assert (low == 0) == (found == 0)
    assert (high == 1) == (found == texts)
    assert found == 0 or binom.sf(found - 1, texts, low) == pytest.approx(0.025)
    assert found == texts or binom.cdf(found, texts, high) == pytest.approx(0.025)

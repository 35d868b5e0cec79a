"""Bounds of a cell beside exact ones, and intervals of many cells over a thousand simulated draws."""

import numpy as np
import pytest
from scipy.stats import binomtest, hypergeom

from tasks.core.evaluation.count_bounds import Cell, Estimate, count_bounds, true_texts


@pytest.mark.parametrize(("size", "labelled"), [(1, 1), (12, 10), (18, 10), (40, 3), (300, 20)])
def test_a_cell_s_bounds_are_those_that_its_draw_does_not_refute(size, labelled):
    for positives in range(labelled + 1):
        held = [
            true
            for true in range(positives, size - labelled + positives + 1)
            if hypergeom.cdf(positives, size, true, labelled) > 0.025
            and hypergeom.sf(positives - 1, size, true, labelled) > 0.025
        ]
        assert count_bounds(size, labelled, positives) == (min(held), max(held))


def test_a_large_cell_s_bounds_are_clopper_and_pearson_s():
    exact = binomtest(3, 40).proportion_ci(0.95, "exact")
    low, high = count_bounds(10_000_000, 40, 3)
    assert (low / 10_000_000, high / 10_000_000) == pytest.approx((exact.low, exact.high), abs=1e-6)
    assert count_bounds(100_000, 40, 3)[1] == pytest.approx(100_000 * exact.high, rel=1e-3)


def test_a_cell_without_labels_is_bounded_by_nothing_and_all():
    assert count_bounds(50, 0, 0) == (0, 50)
    assert true_texts([Cell(50, 0, 0, guess=0.2)]) == Estimate(10, 0, 50)


def test_what_is_all_labelled_is_known():
    assert true_texts([Cell(20, 20, 7), Cell(30, 30, 0)]) == Estimate(7, 7, 7)


@pytest.mark.parametrize("found", [0, 10])
def test_cells_of_which_none_or_all_are_true_still_have_an_interval(found):
    estimate = true_texts([Cell(1_000, 10, found), Cell(5_000, 10, found)])
    assert estimate.value == 600 * found
    assert estimate.high - estimate.low > 1_000


def coverage(sizes, true, labelled, draws=1_000):
    """Return the share of simulated draws whose interval holds how many texts are true."""
    draw = np.random.default_rng(0)
    columns = [draw.hypergeometric(t, s - t, n, draws) for s, t, n in zip(sizes, true, labelled, strict=True)]
    held = 0
    for row in np.array(columns).T:
        cells = [Cell(s, n, int(x)) for s, n, x in zip(sizes, labelled, row, strict=True)]
        estimate = true_texts(cells)
        held += estimate.low - 1e-9 <= sum(true) <= estimate.high + 1e-9
    return held / draws


@pytest.mark.parametrize(
    ("sizes", "true", "labelled"),
    [
        ((21, 3, 6, 4, 24, 21), (0, 1, 4, 0, 1, 8), (20, 3, 6, 4, 20, 20)),
        ((15, 13, 3, 10, 4), (1, 0, 0, 3, 0), (5, 5, 3, 5, 4)),
        ((7, 10, 5, 15, 16), (0, 3, 3, 4, 4), (7, 10, 5, 10, 10)),
        ((31, 11, 19, 12), (3, 0, 1, 0), (5, 5, 5, 5)),
        ((4_712, 44, 22_517, 7, 87_730), (771, 4, 12_585, 0, 48_672), (50, 44, 50, 7, 50)),
        ((1, 1, 4, 14, 12, 18), (0, 0, 1, 1, 2, 1), (1, 1, 4, 10, 10, 10)),
        ((1_000_000,), (17_900,), (10,)),
        ((100, 100, 100), (0, 0, 0), (10, 10, 10)),
        ((100, 100, 100), (100, 100, 100), (10, 10, 10)),
    ],
)
def test_intervals_cover_the_truth_in_at_least_93_of_100_draws_from_small_and_odd_cells(sizes, true, labelled):
    assert coverage(sizes, true, labelled) >= 0.93


def test_squares_alone_would_not_cover_where_bounds_lie_at_the_least_that_is_possible(monkeypatch):
    monkeypatch.setattr(
        "tasks.core.evaluation.count_bounds._together", lambda all_: float(np.hypot.reduce([d for d, _ in all_]))
    )
    assert coverage((21, 3, 6, 4, 24, 21), (0, 1, 4, 0, 1, 8), (20, 3, 6, 4, 20, 20)) < 0.6

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit

from tasks.core.conversion.parity.ranking_shift import ranking_shift, top_sizes
from tests.support.examples import examples

RANKING = np.arange(1_000, dtype=np.float64)[::-1] / 100  # 9.99, 9.98, ...


def shift(found, sizes=None, threshold=0.5, limit=0.1, reference=RANKING):
    return ranking_shift(reference, found, sizes or {"100": 100}, threshold, limit)


def swapped(first, second):
    found = RANKING.copy()
    found[[first, second]] = found[[second, first]]
    return found


def test_a_text_is_displaced_by_its_distance_from_the_edge_on_either_side():
    near, out, into = shift(swapped(99, 100)), shift(swapped(60, 100)), shift(swapped(99, 150))
    assert near.tops["100"].displacement == pytest.approx(0.01)
    assert out.tops["100"].displacement == pytest.approx(0.39)
    assert into.tops["100"].displacement == pytest.approx(0.51)
    assert [each.tops["100"].overlap for each in (near, out, into)] == [0.99] * 3
    assert [each.tops["100"].overlap_near for each in (near, out, into)] == [1.0, 0.99, 0.99]
    assert [each.tops["100"].beyond for each in (near, out, into)] == [0, 1, 1]


def test_regret_is_the_mean_probability_that_is_lost():
    lost = (expit(RANKING[60]) - expit(RANKING[100])) / 100
    assert shift(swapped(60, 100)).tops["100"].regret == pytest.approx(lost)


def test_the_first_twenty_are_read_in_order_and_later_ones_are_not():
    found = shift(swapped(0, 15), {"20": 20, "100": 100})
    assert found.tops["20"].displacement == pytest.approx(0.15)
    assert (found.tops["20"].regret, found.tops["20"].beyond, found.tops["20"].overlap_near) == (0, 1, 1)
    assert found.tops["100"].displacement == 0
    assert shift(swapped(30, 95)).tops["100"].displacement == 0


def test_what_a_model_ties_is_ordered_in_the_worst_way():
    flat = shift(np.zeros(1_000))
    assert flat.tops["100"].displacement == pytest.approx(9.0)
    assert flat.tops["100"].overlap_near == 0
    clipped = shift(np.minimum(RANKING, 8.0))
    assert clipped.tops["100"].displacement == pytest.approx(1.0)  # 201 texts are tied: 8.00 comes before 9.99


def test_what_the_checkpoint_ties_is_no_displacement():
    reference = np.array([3.0, 2.0, 2.0, 1.0])
    found = shift(np.array([3.0, 1.9, 2.0, 1.0]), {"2": 2}, reference=reference)
    assert (found.tops["2"].displacement, found.tops["2"].overlap) == (0, 1)


def test_flips_are_counted_and_measured_at_the_threshold():
    found = shift(RANKING - 0.055, threshold=expit(4.995))
    assert (found.flips, found.flips_beyond) == (5, 0)
    assert found.flip_distance == pytest.approx(0.045)
    assert (found.rms_error, found.largest_error) == pytest.approx((0.055, 0.055))
    far = shift(RANKING + 0.302, threshold=expit(4.995))
    assert (far.flips, far.flips_beyond) == (30, 20)
    assert far.probability_shift == pytest.approx(np.mean(expit(RANKING + 0.302) - expit(RANKING)))


def test_one_per_cent_is_rounded_and_no_best_k_is_more_than_the_texts():
    assert top_sizes(9_960, 5_000) == {"20": 20, "100": 100, "1000": 1_000, "1 %": 100}
    assert top_sizes(9_940, 5_000)["1 %"] == 99
    assert top_sizes(10, 6) == {"20": 6, "100": 6, "1000": 6, "1 %": 1}


odds_pairs = arrays.arrays(np.float64, st.tuples(st.integers(2, 60), st.just(2)), elements=st.integers(-4, 4))


@settings(max_examples=examples(80))
@given(odds_pairs, st.integers(1, 60), st.integers(-20, 20))
def test_displacement_is_that_of_the_worst_text_by_its_definition(odds, size, shifted):
    reference, found = odds.T
    size = min(size, len(reference))
    worst = sorted(range(len(found)), key=lambda text: (-found[text], reference[text]))
    edges = range(1, size + 1) if size <= 20 else [size]
    expected = 0.0
    for k in edges:
        edge = sorted(reference, reverse=True)[k - 1]
        moved = [text for text in range(len(found)) if (text in worst[:k]) != (reference[text] >= edge)]
        expected = max([expected, *(abs(reference[text] - edge) for text in moved)])
    top = shift(found, {"k": size}, reference=reference).tops["k"]
    assert top.displacement == expected
    assert top.regret >= 0
    moved_alike = shift(found + shifted, {"k": size}, reference=reference).tops["k"]
    assert moved_alike.displacement == top.displacement

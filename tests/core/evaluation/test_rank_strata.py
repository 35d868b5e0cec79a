from itertools import pairwise

import pytest

from tasks.core.evaluation.rank_strata import rank_strata


def test_seventeen_ranks_a_million_and_the_figures_end_with_strata():
    strata = rank_strata(17, 1_000_000, 100_000_000, (20, 50, 10_000))
    assert len(strata) == 17
    assert (strata[0], strata[-1]) == ((1, 1), (421_698, 1_000_000))
    assert {20, 50, 10_000} <= {last for _, last in strata}
    assert all(above[1] + 1 == below[0] for above, below in pairwise(strata))


@pytest.mark.parametrize("rows", [1, 2, 19, 51, 400])
def test_a_small_sample_ends_with_its_last_text(rows):
    strata = rank_strata(17, 1_000_000, rows, (20, 50, 10_000))
    assert (strata[0][0], strata[-1][1]) == (1, rows)
    assert all(first <= last for first, last in strata)


def test_more_figures_than_ranks_add_strata():
    assert [last for _, last in rank_strata(2, 1_000, 1_000, (20, 50))] == [1, 20, 50, 1_000]

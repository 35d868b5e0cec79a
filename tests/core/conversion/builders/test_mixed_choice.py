import pytest

from tasks.core.conversion.builders.mixed_choice import Ranking, _fewest, _least


@pytest.mark.parametrize("layers", [1, 2, 7, 24])
def test_the_least_count_is_found_from_below_and_never_tried_twice(layers):
    for least in range(1, layers + 1):
        tried = []

        def are_enough(count, least=least, tried=tried):
            tried.append(count)
            return count >= least

        assert _least(are_enough, layers) == least
        assert len(set(tried)) == len(tried) <= 2 * layers.bit_length() + 1
        assert layers not in tried


def test_few_layers_take_few_trials():
    tried = []
    assert _least(lambda count: tried.append(count) or count >= 2, 72) == 2
    assert tried == [1, 2]


@pytest.mark.parametrize("kept_from", [1, 5, 11, 12])
@pytest.mark.parametrize("near_from", [1, 3, 8, 12])
def test_a_ranking_near_a_limit_is_taken_only_where_none_is_kept_well(kept_from, near_from):
    tried = []

    def ranking(count):
        tried.append(count)
        if count >= kept_from:
            return Ranking.KEPT
        return Ranking.NEAR_A_LIMIT if count >= near_from else Ranking.LOST

    assert _fewest(ranking, 12) == (kept_from if kept_from < 12 else near_from)
    assert len(set(tried)) == len(tried), "a mixture was scored twice"

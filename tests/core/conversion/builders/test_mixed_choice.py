import pytest

from tasks.core.conversion.builders.mixed_choice import Ranking, _fewest


@pytest.mark.parametrize("layers", [1, 2, 7, 24])
def test_the_fewest_are_found_by_halving(layers):
    for fewest in range(1, layers + 1):
        tried = []

        def ranking(count, fewest=fewest, tried=tried):
            tried.append(count)
            return Ranking.KEPT if count >= fewest else Ranking.LOST

        assert _fewest(ranking, layers) == fewest
        assert len(set(tried)) == len(tried) <= layers.bit_length()
        assert layers not in tried


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

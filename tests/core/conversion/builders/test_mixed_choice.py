import pytest

from tasks.core.conversion.builders.mixed_choice import _least


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

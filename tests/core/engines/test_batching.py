from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.engines.batching import plan_batches, stack_rows

lengths = st.lists(st.integers(1, 200), max_size=200).map(lambda values: np.array(values, dtype=np.int64))


@given(lengths, st.integers(1, 500))
def test_every_row_is_in_one_batch_and_no_batch_exceeds_the_budget(lengths, budget):
    batches = plan_batches(lengths, budget)
    assert sorted(np.concatenate(batches).tolist() if batches else []) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget


@given(lengths, st.integers(64, 500))
def test_a_batch_holds_rows_of_one_length_and_is_full_unless_it_is_its_lengths_last(lengths, budget):
    batches = plan_batches(lengths, budget)
    assert all(len(set(lengths[batch].tolist())) == 1 for batch in batches)
    for earlier, later in pairwise(batches):
        assert lengths[earlier[0]] <= lengths[later[0]]
        if lengths[earlier[0]] == lengths[later[0]]:
            assert (len(earlier) + 1) * lengths[earlier[0]] > budget
            assert earlier.max() < later.min()


def test_nothing_is_padding():
    ids, mask = stack_rows([[5, 6, 7], [8, 9, 1]])
    assert ids.tolist() == [[5, 6, 7], [8, 9, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 1]]

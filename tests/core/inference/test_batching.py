from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.inference.batching import pad_batch, plan_batches

lengths = st.lists(st.integers(1, 200), max_size=200).map(lambda values: np.array(values, dtype=np.int64))


@given(lengths, st.integers(1, 500))
def test_every_row_is_in_one_batch_and_no_batch_exceeds_the_budget(lengths, budget):
    batches = plan_batches(lengths, budget)
    assert sorted(np.concatenate(batches).tolist() if batches else []) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget


@given(lengths, st.integers(64, 500))
def test_batches_hold_neighbours_in_length(lengths, budget):
    batches = plan_batches(lengths, budget)
    for earlier, later in pairwise(batches):
        assert lengths[earlier].max() <= lengths[later].min()


def test_rows_are_padded_on_the_right():
    ids, mask = pad_batch([[5, 6, 7], [8]], pad_id=3)
    assert ids.tolist() == [[5, 6, 7], [8, 3, 3]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.engines.batching import filled_size, plan_batches, stack_rows
from tasks.core.engines.loading import Engine

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


@given(st.integers(1, 5_000), st.integers(1, 200), st.integers(1, 5_000))
def test_a_batch_is_filled_by_a_quarter_at_most_and_not_beyond_the_budget(rows, tokens, budget):
    rows = min(rows, max(1, budget // tokens))
    size = filled_size(rows, tokens, budget)
    assert rows <= size <= 1.25 * rows
    assert size == rows or size * tokens <= budget


@pytest.mark.parametrize(("tokens", "shapes"), [(2, 36), (24, 22), (128, 12), (3_000, 1)])
def test_a_length_has_few_shapes_and_a_full_batch_is_one_of_them(tokens, shapes):
    full = max(1, 2_048 // tokens)
    sizes = {filled_size(rows, tokens, 2_048) for rows in range(1, full + 1)}
    assert len(sizes) == shapes
    assert max(sizes) == full


def first_and_count(ids, _mask):
    """Give each row its first token and the rows beside it, as an engine whose scores depended on them would."""
    return np.stack([ids[:, 0], np.full(len(ids), len(ids))], axis=1).astype(np.float32)


@given(lengths)
def test_an_engine_sees_filled_batches_alone_and_gives_back_the_rows_that_there_are(lengths):
    rows = [[number] * length for number, length in enumerate(lengths.tolist())]
    logits = Engine(first_and_count).logits(rows, 512)
    assert len(logits) == len(rows)
    for batch in plan_batches(lengths, 512):
        assert logits[batch, 0].tolist() == batch.tolist()
        assert set(logits[batch, 1].tolist()) == {filled_size(len(batch), int(lengths[batch[0]]), 512)}

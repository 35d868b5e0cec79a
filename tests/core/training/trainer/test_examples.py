import numpy as np
from transformers import AutoTokenizer

from tasks.core.corpus.labelled.prepare import Rows
from tasks.core.training.trainer.examples import EpochOrder, Examples
from tests.support.tiny import make_sentences


def examples(tiny_bert, by_length=False):
    texts = make_sentences(300, seed=1)
    rows = Rows(list(range(300)), texts, np.zeros((300, 1)))
    return Examples(AutoTokenizer.from_pretrained(tiny_bert), rows, "none", 32, by_length)


def order_of(examples, seed=1, epoch=0, batch_size=10):
    order = EpochOrder(examples, batch_size, seed)
    order.set_epoch(epoch)
    return list(order)


def padded_tokens(examples, order, batch_size=10):
    """Return the tokens of all batches, padding included."""
    lengths = np.array(examples.lengths)[order].reshape(-1, batch_size)
    return int((lengths.max(axis=1) * batch_size).sum())


def test_batches_of_similar_length_pad_little(tiny_bert):
    rows = examples(tiny_bert)
    at_random = padded_tokens(rows, np.random.default_rng(0).permutation(300))
    grouped = padded_tokens(rows, order_of(rows))
    assert grouped < 0.8 * at_random
    assert grouped < 1.15 * sum(rows.lengths)


def test_every_row_comes_once_in_an_order_that_follows_from_seed_and_epoch(tiny_bert):
    rows = examples(tiny_bert)
    order = order_of(rows)
    assert sorted(order) == list(range(300))
    assert order == order_of(rows)
    assert order != order_of(rows, epoch=1)
    assert order != order_of(rows, seed=2)


def test_for_evaluation_the_shortest_come_first_and_the_order_is_told(tiny_bert):
    rows = examples(tiny_bert, by_length=True)
    lengths = [len(rows[position]["input_ids"]) for position in range(len(rows))]
    assert lengths == sorted(rows.lengths)
    assert [rows.lengths[row] for row in rows.order] == lengths

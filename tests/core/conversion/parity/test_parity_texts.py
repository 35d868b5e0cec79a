import numpy as np
import pytest

from tasks.core.conversion.parity.parity_texts import choose_canaries, choose_parity_texts, with_extremes
from tests.support.tiny import make_sentences


@pytest.fixture
def scored():
    """Log-odds of two labels and lengths of 5,000 texts."""
    draw = np.random.default_rng(0)
    return draw.normal(size=(5_000, 2)), draw.integers(3, 60, 5_000)


def test_the_top_of_every_label_is_among_the_parity_texts(scored):
    margins, lengths = scored
    chosen = set(choose_parity_texts(margins, lengths, 1_000, 0).tolist())
    assert len(chosen) >= 1_000
    for column in margins.T:
        assert set(np.argsort(-column)[:500].tolist()) <= chosen


def test_the_shortest_and_the_longest_are_among_them(scored):
    margins, lengths = scored
    chosen = choose_parity_texts(margins, lengths, 1_000, 0)
    order = np.argsort(lengths, kind="stable")
    assert set(order[:40].tolist()) | set(order[-40:].tolist()) <= set(chosen.tolist())


def test_the_rest_is_drawn_at_random_and_fixed_by_the_seed(scored):
    margins, lengths = scored
    assert (
        choose_parity_texts(margins, lengths, 1_000, 0).tolist()
        == choose_parity_texts(margins, lengths, 1_000, 0).tolist()
    )
    assert (
        choose_parity_texts(margins, lengths, 1_000, 0).tolist()
        != choose_parity_texts(margins, lengths, 1_000, 1).tolist()
    )
    chosen = choose_parity_texts(margins, lengths, 1_000, 0)
    assert margins[chosen, 0].min() < -2.5


def test_all_texts_are_taken_when_there_are_no_more(scored):
    margins, lengths = scored
    assert choose_parity_texts(margins[:150], lengths[:150], 200, 0).tolist() == list(range(150))


def test_texts_of_one_word_and_too_long_ones_are_made_of_drawn_ones():
    drawn = make_sentences(300, seed=3)
    texts = with_extremes(drawn)
    assert texts[:300] == drawn
    added = texts[300:]
    assert sum(" " not in text for text in added) == 10
    assert sum(len(text.split()) > 128 for text in added) >= 5
    assert set(" ".join(added).split()) <= set(" ".join(drawn).split())


def test_canaries_stand_over_the_whole_ranking_and_all_lengths(scored):
    margins, lengths = scored
    chosen = choose_canaries(margins[:, 0], lengths, 64)
    assert len(set(chosen.tolist())) == 64
    assert int(np.argmax(margins[:, 0])) in chosen
    assert margins[chosen, 0].min() < -2.5
    assert {int(lengths.min()), int(lengths.max())} <= set(lengths[chosen].tolist())


def test_with_many_labels_each_ones_top_is_there_even_beyond_the_count():
    draw = np.random.default_rng(0)
    margins, lengths = draw.normal(size=(20_000, 12)), draw.integers(3, 60, 20_000)
    chosen = choose_parity_texts(margins, lengths, 5_000, 0)
    assert len(chosen) > 5_000
    for column in margins.T:
        assert set(np.argsort(-column)[:1_000].tolist()) <= set(chosen.tolist())

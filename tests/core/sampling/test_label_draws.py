"""One label's draws: what each step leaves, and what is said of it."""

import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.exchange.labelled_before import text_key
from tasks.core.round.sampling_section import Explore, Sampling
from tasks.core.sampling.assemble import assemble
from tasks.core.sampling.label_draws import draw_label
from tasks.core.sampling.label_pool import LabelledBefore
from tests.support.array_pools import array_pool, ids

TEXTS = [f"{place} says {place * place} and then {place * 31}" for place in range(300)]


def settings(**changes):
    said = {"adaptive_texts": 10, "random_texts": 0, "explore": Explore(motifs=0), "exploit_texts": 10, "top": 100}
    return Sampling(**said | changes)


def test_the_best_are_taken_past_those_labelled_before():
    before = LabelledBefore(frozenset(ids(300)[:4]), frozenset([text_key(TEXTS[6].upper() + "  ")]))
    drawn = draw_label(array_pool(TEXTS, settings(), before=before), "adaptive")
    assert drawn.rows["rank"].to_pylist() == [5, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    assert drawn.rows["inclusion_probability"].to_pylist() == [1.0] * 10
    (count,) = drawn.counts
    assert (count.drawn_first, count.labelled_before, count.drawn) == (15, 5, 10)


def test_of_near_duplicates_one_is_taken_each_as_likely_as_the_others():
    texts = ["we are hiring nurses in town, apply today"] * 3 + TEXTS
    drawn = draw_label(array_pool(texts, settings()), "adaptive")
    rows = drawn.rows.to_pylist()
    assert [row["rank"] <= 3 for row in rows].count(True) == 1
    assert [row["inclusion_probability"] for row in rows if row["rank"] <= 3] == [1 / 3]
    assert max(row["rank"] for row in rows) == 12


def test_a_walk_past_one_author_ends():
    drawn = draw_label(array_pool(TEXTS * 9, settings(adaptive_texts=5), authors=("bot",) * 2700), "adaptive")
    (count,) = drawn.counts
    assert (count.drawn_first, count.drawn) == (500, 3)


def test_labels_that_want_the_same_text_share_it():
    pools = [array_pool(TEXTS, settings(), label) for label in ("one", "two")]
    draws, texts, left_out = assemble([draw_label(pool, "adaptive") for pool in pools], settings())
    assert len(draws) == 20
    assert texts["labels"].to_pylist() == [["one", "two"]] * 10
    assert sorted(texts["tweet_id"].to_pylist()) == ids(10)
    assert left_out == {"near_duplicates": 0, "over_author_cap": 0}


def test_labels_that_want_the_same_near_duplicates_keep_the_same_one():
    texts = ["we are hiring nurses in town, apply today"] * 30 + TEXTS
    pools = [array_pool(texts, settings(random_state=state), label) for state in range(5) for label in ("one", "two")]
    for one, two in zip(pools[::2], pools[1::2], strict=True):
        draws, _, left_out = assemble([draw_label(one, "adaptive"), draw_label(two, "adaptive")], one.settings)
        assert left_out["near_duplicates"] == 0
        assert len(draws) == 20


def test_random_texts_are_the_same_for_every_label():
    asked = settings(random_texts=20)
    one, two = (draw_label(array_pool(TEXTS, asked, label), "random").rows["tweet_id"] for label in ("one", "two"))
    assert len(one) == 20
    assert one == two
    other = draw_label(array_pool(TEXTS, settings(random_texts=20, random_state=1), "one"), "random").rows["tweet_id"]
    assert other != one


def test_what_is_short_says_so():
    before = LabelledBefore(frozenset(ids(300)[:95]), frozenset())
    drawn = draw_label(array_pool(TEXTS, settings(drawn_first=10), before=before), "exploit_explore")
    (count,) = drawn.counts
    assert (count.population, count.population_rows, count.wanted, count.drawn) == ("ranks 1 to 100", 100, 10, 5)


def test_an_empty_pool_and_one_that_is_labelled_are_refused():
    with pytest.raises(InputDataError, match="has no scores of 'positive' to rank"):
        draw_label(array_pool([], settings()), "adaptive")
    before = LabelledBefore(frozenset(ids(300)), frozenset())
    with pytest.raises(InputDataError, match="of 300 rows drawn first, 300 were labelled before"):
        draw_label(array_pool(TEXTS, settings(), before=before), "adaptive")

"""Pairs and triples of words, their lift by hand, and which of them become motifs."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.round.sampling_section import Explore
from tasks.core.sampling.motifs import gram_counts
from tasks.core.sampling.motifs.choose_motifs import Motif, choose, find_motifs
from tasks.core.sampling.motifs.gram_counts import frequent_grams
from tasks.core.sampling.motifs.gram_kernels import GramShape, holders
from tasks.core.sampling.motifs.word_rows import word_rows

LETTERS = list("abcdefgh")


def column(texts):
    return pa.chunked_array([pa.array(texts, pa.string())])


def naive_grams(text, length, skips):
    """Return a text's grams by their definition."""
    words = text.split()
    return {
        tuple(words[place] for place in places)
        for places in combinations(range(len(words)), length)
        if places[-1] - places[0] - (length - 1) <= skips and len({words[place] for place in places}) == length
    }


def naive_counts(texts, skips):
    counts = {}
    for text in texts:
        for gram in naive_grams(text, 2, skips) | naive_grams(text, 3, skips):
            counts[gram] = counts.get(gram, 0) + 1
    return counts


def random_texts(count, seed):
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(LETTERS, draw.integers(0, 9))) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("skips", [0, 1, 3, 255])
@pytest.mark.parametrize("at_once", [20_000_000, 50])
def test_grams_are_those_of_the_definition_in_one_part_and_in_many(skips, at_once, monkeypatch):
    monkeypatch.setattr(gram_counts, "GRAMS_AT_ONCE", at_once)
    best, random = random_texts(60, 1), random_texts(200, 2)
    rows, others = (word_rows(column(texts), "any", LETTERS, 64) for texts in (best, random))
    grams = frequent_grams(rows, GramShape(len(LETTERS), skips), 4)
    named = [tuple(LETTERS[word] for word in words) for words in grams.words()]
    expected = {gram: count for gram, count in naive_counts(best, skips).items() if count >= 4}
    assert dict(zip(named, grams.texts().tolist(), strict=True)) == expected
    elsewhere = naive_counts(random, skips)
    assert grams.texts_of(others).tolist() == [elsewhere.get(gram, 0) for gram in named]
    for gram in named:
        numbers = np.array([LETTERS.index(word) for word in gram], np.int32)
        assert int(holders(others, numbers, skips).sum()) == elsewhere.get(gram, 0)


def test_words_outside_the_vocabulary_still_take_a_place():
    rows = word_rows(column(["a x x b", "a b", None, "x"]), "any", ["a", "b"], 64)
    assert rows.numbers.tolist() == [0, 1, 0, 1]
    assert rows.places.tolist() == [0, 3, 0, 1]
    assert holders(rows, np.array([0, 1], np.int32), 1).tolist() == [False, True, False, False]


def test_only_the_first_words_are_looked_at():
    assert word_rows(column(["a b c d e"]), "any", LETTERS, 3).numbers.tolist() == [0, 1, 2]


def test_lift_by_hand():
    """`lost job` stands in 12 of 40 best texts and in 10 of 1,000 random ones: lift (12/40) / (10/1000) = 30."""
    best = ["i lost my job"] * 12 + ["my cat"] * 28
    random = ["lost a job"] * 10 + ["my cat sleeps"] * 20 + ["nothing here"] * 970
    found = find_motifs(column(best), column(random), Explore(), "en", [])
    by_name = {str(motif): motif for motif in found.motifs}
    assert by_name["lost job"].lift == pytest.approx(30)
    assert (by_name["lost job"].best_texts, by_name["lost job"].random_texts) == (12, 10)
    assert by_name["my cat"].lift == pytest.approx((28 / 40) / (20 / 1000))
    assert found.holders[found.motifs.index(by_name["lost job"])].tolist() == list(range(10))


def test_a_text_that_repeats_a_motif_counts_once():
    found = find_motifs(column(["lost job lost job"] * 10), column(["lost job lost job"] * 10), Explore(), "en", [])
    assert [(motif.words, motif.lift) for motif in found.motifs] == [(("job", "lost"), 1.0)]


def motif(words, lift, best=20, random=20):
    return Motif(tuple(words.split()), best, random, lift)


def test_motifs_are_chosen_greedily_and_share_no_word():
    candidates = [
        motif("lost my", 9.0),
        motif("my job", 8.0),
        motif("got fired", 7.0),
        motif("got fired today", 6.5),
        motif("just got fired", 6.0),
        motif("no work here", 5.0),
        motif("laid off", 4.0),
        motif("laid laid", 3.5),
        motif("new start", 0.9),
    ]
    chosen = choose(candidates, Explore(), [])
    assert [str(one) for one in chosen] == ["lost my", "got fired", "no work here", "laid off"]
    assert [str(one) for one in choose(candidates, Explore(motifs=1), [])] == ["lost my", "got fired today"]


def test_used_motifs_are_not_chosen_again_but_their_words_are_free():
    candidates = [motif("lost my", 9.0), motif("my job", 8.0)]
    assert [str(one) for one in choose(candidates, Explore(), ["lost my"])] == ["my job"]


def test_equal_lifts_are_told_apart_by_texts_and_then_by_the_alphabet():
    candidates = [motif("b x", 2.0), motif("a x", 2.0), motif("c x", 2.0, best=21)]
    assert [str(one) for one in choose(candidates, Explore(), [])] == ["c x"]
    assert [str(one) for one in choose(candidates[:2], Explore(), [])] == ["a x"]


def test_rare_grams_are_none():
    best, random = ["lost job"] * 9 + ["x"] * 9, ["lost job"] * 50
    assert find_motifs(column(best), column(random), Explore(), "en", []).motifs == []
    assert find_motifs(column(random), column(best), Explore(), "en", []).motifs == []


def test_texts_without_words_have_no_motifs():
    assert find_motifs(column(["", None, "12"]), column(["", "!"]), Explore(), "en", []).motifs == []

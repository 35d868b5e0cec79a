"""Which texts are taken for one."""

import numpy as np

from tasks.core.sampling.near_duplicates import near_duplicates

JOB = "We are hiring a nurse in {}! Apply now at our office, no experience needed, good pay and benefits."


def test_texts_that_differ_in_a_word_are_one_group():
    texts = [JOB.format("Austin"), "I lost my job today", JOB.format("Dallas"), "i LOST  my job today", "lost"]
    assert near_duplicates(texts, 0.7).tolist() == [0, 1, 0, 1, 4]


def test_without_a_similarity_only_equal_texts_are():
    assert near_duplicates([JOB.format("A"), JOB.format("B"), JOB.format("a")], None).tolist() == [0, 1, 0]


def test_a_chain_is_one_group_whatever_the_order():
    base = "abcdefghijklmnopqrstuvwxyz0123456789" * 2
    chain = [base[:60] + "!" * 3, base[:60] + "!" * 3 + "?" * 8, base[:60] + "!" * 3 + "?" * 8 + "#" * 9]
    for order in ([0, 1, 2], [2, 0, 1], [0, 2, 1]):
        assert set(near_duplicates([chain[place] for place in order], 0.8).tolist()) == {0}


def test_short_and_odd_texts_are_texts_too():
    assert near_duplicates(["a", "b", "A", "", "😀", "😀😀"], 0.8).tolist() == [0, 1, 0, 3, 4, 5]
    assert near_duplicates([], 0.8).tolist() == []


def test_the_groups_are_those_of_every_pair_compared():
    draw = np.random.default_rng(4)
    words = [f"word{number}" for number in range(40)]
    texts = [" ".join(draw.choice(words, 12)) for _ in range(60)]
    texts += [text.replace(text.split()[0], "other", 1) for text in texts[:30]]
    found = near_duplicates(texts, 0.75)
    shingles = [{text[place : place + 5] for place in range(len(text) - 4)} for text in texts]
    expected = list(range(len(texts)))
    for one in range(len(texts)):
        for other in range(one):
            if len(shingles[one] & shingles[other]) >= 0.75 * len(shingles[one] | shingles[other]):
                low, high = sorted((expected[one], expected[other]))
                expected = [low if group == high else group for group in expected]
    assert found.tolist() == expected

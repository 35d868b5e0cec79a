"""Hashed n-grams: those that a plain reading of the rule finds, from Arrow's bytes as they lie."""

import itertools
import math
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.base.errors import InputDataError
from tasks.core.screening.ngram_features import add_weights, find_buckets, text_bytes
from tasks.core.screening.ngram_hashing import PLAIN_PLANES
from tasks.core.screening.ngram_shape import NgramShape
from tests.support.examples import examples

SHAPE = NgramShape(bits=32)
KNOWN = [478286, 476247, 963376, 878583, 126371, 581590, 576180, 977316, 362772, 988337]
TEXTS = ["Hello  World", "", "  ", "a", "Ünïcode ÀÉ 😀😀!", "one two_3 four-five", "ΣΊΣΥΦΟΣ\tend\n", "İstanbul ß"]


def hashes(texts, shape=SHAPE):
    starts, buckets = find_buckets(text_bytes(pa.array(texts, pa.large_string())), shape)
    return [buckets[begin:end].tolist() for begin, end in itertools.pairwise(starts)]


def lower(character):
    return character.lower() if len(character.lower()) == 1 else character


def plain_reading(text):
    """Return a text's character 3-5-grams and word 1-2-grams as strings, by Python alone."""
    accents = any("\u0300" <= character <= "\u037f" for character in text)
    read = "".join(map(lower, unicodedata.normalize("NFC", text) if accents else text))
    spaced = " ".join(["", *read.split(), ""]) if read.split() else " "
    grams = [spaced[i : i + n] for i in range(len(spaced)) for n in (3, 4, 5) if i + n <= len(spaced)]
    words = "".join(c if c.isalnum() or c == "_" or ord(c) >= PLAIN_PLANES else " " for c in spaced).split()
    return grams, words + [f"{one} {two}" for one, two in itertools.pairwise(words)]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_has_the_n_grams_that_a_plain_reading_finds(text):
    grams, words = plain_reading(text)
    (found,) = hashes([text])
    assert len(found) == len(grams) + len(words)
    same = {}
    for gram, bucket in zip(grams, found, strict=False):
        assert same.setdefault(gram, bucket) == bucket
    assert len(set(same.values())) == len(same)


@given(st.lists(st.text(max_size=30), max_size=8))
@settings(max_examples=examples(100))
def test_any_texts_have_as_many_n_grams_as_a_plain_reading_finds(texts):
    for text, found in zip(texts, hashes(texts), strict=True):
        grams, words = plain_reading(text)
        assert len(found) == len(grams) + len(words)


def test_case_spaces_and_how_accents_are_typed_make_no_difference():
    apart = unicodedata.normalize("NFD", "já é tarde")
    assert apart != "já é tarde"
    one, other, third = hashes(["Já  É\tTarde ", apart, "já é tarde"])
    assert one == other == third


def test_words_tell_texts_apart_that_short_n_grams_do_not():
    both = hashes(["ab cd", "cd ab"], NgramShape(1, 1, words=True, bits=32))
    assert set(both[0]) != set(both[1])
    alone = hashes(["ab cd", "cd ab"], NgramShape(1, 1, words=False, bits=32))
    assert sorted(alone[0]) == sorted(alone[1])


def test_buckets_of_known_texts_stay_what_they_are():
    """Screens that an earlier version fitted go on meaning the same."""
    assert hashes(["Ab ñ"], NgramShape(3, 4, words=True, bits=20)) == [KNOWN]


def test_slices_chunks_nulls_and_other_types_are_read_as_they_are():
    column = pa.array(["x", *TEXTS, None], pa.string())
    expected = hashes([*TEXTS, ""])
    for other in (
        column.slice(1),
        column.cast(pa.large_string()).slice(1),
        pa.chunked_array([column.slice(1, 3), column.slice(4)]),
        column.dictionary_encode().slice(1),
    ):
        starts, buckets = find_buckets(text_bytes(other), SHAPE)
        assert [buckets[a:b].tolist() for a, b in itertools.pairwise(starts)] == expected
    assert find_buckets(text_bytes(pa.array([], pa.string())), SHAPE)[0].tolist() == [0]


def test_bytes_that_are_no_text_are_refused():
    broken = pa.array([b"fine", b"\xff\xfe", b"cut \xe2\x82"], pa.binary()).cast(pa.string(), safe=False)
    with pytest.raises(InputDataError, match="not UTF-8"):
        text_bytes(broken)


def test_sums_are_exactly_those_of_the_buckets_weights():
    shape = NgramShape(bits=12)
    weights = np.random.default_rng(0).integers(-32_768, 32_767, (1 << 12, 5)).astype(np.int16)
    sums = add_weights(text_bytes(pa.array(TEXTS)), shape, weights)
    for row, buckets in enumerate(hashes(TEXTS, shape)):
        exact = weights[buckets].astype(object).sum(axis=0) if buckets else [0] * 5
        assert sums[row].tolist() == [int(each) / math.sqrt(max(len(buckets), 1)) for each in exact]


def test_of_a_text_of_a_million_characters_the_first_few_thousand_are_read():
    found, short = hashes(["ab " * 400_000, "ab " * 2_000])
    assert 15_000 < len(found) == len(short)

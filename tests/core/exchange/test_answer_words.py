"""What labellers write is understood by a table, and by nothing else."""

import unicodedata

import pytest

from tasks.core.exchange.incoming.answer_words import WORDS, answer_of


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        *(("yes", "yes"), (" Sí. ", "yes"), ("SIM", "yes"), ("VERDADERO", "yes"), (1, "yes"), ("1.0", "yes")),
        *((True, "yes"), (False, "no"), (0.0, "no"), ("Não", "no"), ("nao", "no"), ("FALSO", "no"), ("No!", "no")),
        *(("no sé", "unsure"), ("não sei", "unsure"), ("don\u2019t know", "unsure"), ("tal  vez", "unsure")),
        *((None, "blank"), ("", "blank"), ("  ", "blank"), (float("nan"), "blank"), ("skip", "blank")),
        *(("oui", None), ("nein", None), ("2", None), ("yes, mostly", None), ("x", None), ("S", None)),
    ],
)
def test_words_mean_what_the_table_says(word, answer):
    assert answer_of(word) == answer


def test_accents_may_be_written_in_two_parts():
    assert answer_of(unicodedata.normalize("NFD", "sí")) == "yes"
    assert answer_of(unicodedata.normalize("NFD", "não")) == "no"


def test_no_word_has_two_meanings():
    words = [word for words in WORDS.values() for word in words]
    assert len(set(words)) == len(words)

"""What a text's words are, in each language."""

import pytest

from tasks.core.sampling.motifs.words import language_of, words_in


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "I can\u2019t believe I've LOST my job!!!", "i can not believe i have lost my job"),
        ("en", "It's Bob's; they'd hire, won't they?", "it bob they hire will not they"),
        ("en", "@bob http://t.co/aB3?x=1 www.a.com/b #fired 2nd 3,000 A&amp;B", "fired a b"),
        ("en", "soooo cool, full-time 'quoted'", "soo cool full time quoted"),
        ("es", "¿Perdí mi trabajooooo? ¡Año nuevo, qué pingüino!", "perdi mi trabajo año nuevo que pinguino"),
        ("es", "perdi\u0301 man\u0303ana", "perdi mañana"),
        ("pt", "Demitiram-me! Não há d'água, ação", "demitiram me nao ha agua açao"),
        ("any", "मुझे नौकरी चाहिए, l'emploi été", "मुझे नौकरी चाहिए l emploi été"),
        ("any", "😀 … 12 _", ""),
    ],
)
def test_words_of(language, text, words):
    assert words_in(language)(text) == words.split()


def test_a_text_has_the_same_words_in_either_unicode_form():
    for language in ("en", "es", "pt", "any"):
        assert words_in(language)("Perd\u00ed mi caf\u00e9") == words_in(language)("Perdi\u0301 mi cafe\u0301")


@pytest.mark.parametrize(
    ("country", "language"), [("US", "en"), ("mx", "es"), ("BR", "pt"), ("AR", "es"), ("JP", "any")]
)
def test_a_country_has_its_language(country, language):
    assert language_of(country) == language

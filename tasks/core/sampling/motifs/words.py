"""A text's words, as motifs are made of them: a small rule for English, Spanish and Portuguese, and one for the rest.

Every language       addresses, mentions, numbers and punctuation go; the rest is in lower case; a hyphen parts words
English              what is contracted is written out (`can't` is `can not`, `I'm` is `i am`); a possessive `'s` goes
Spanish, Portuguese  vowels lose their accents, for people leave these out (`perdí` is `perdi`); `ñ` and `ç` stay
Portuguese           the letter that is left of an elided word goes (`d'água` is `agua`)

A letter that stands three times or more is said twice in English (`sooo` is `soo`) and once in the others (`siii` is
`si`). Languages that put no space between words, such as Japanese, are not parted: a run of letters is one word.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from functools import cache

from tasks.core.round.sampling_section import Language

COUNTRIES: dict[str, Language] = {
    **dict.fromkeys(("US", "GB", "UK", "CA", "AU", "NZ", "IE", "ZA", "NG", "KE", "GH", "IN", "PH"), "en"),
    **dict.fromkeys(("MX", "AR", "CO", "VE", "ES", "CL", "PE", "EC", "GT", "CU", "BO", "DO", "HN", "PY"), "es"),
    **dict.fromkeys(("SV", "NI", "CR", "PA", "UY", "PR"), "es"),
    **dict.fromkeys(("BR", "PT", "AO", "MZ"), "pt"),
}
"""Where a round does not say its language, its country does."""
UNSAID = re.compile(r"https?://\S+|www\.\S+|@\w+")
THRICE = re.compile(r"(.)\1\1")
REPEATED = re.compile(r"([^\W\d_])\1{2,}")
IRREGULAR = {"can't": "can not", "won't": "will not", "shan't": "shall not", "ain't": "is not"}
ENDINGS = {"n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'s": "", "'d": ""}
"""`'s` and `'d` each stand for several words."""


class _Characters(dict[int, int]):
    """What each character is read as: letters, marks and digits as themselves, all else as a space."""

    def __missing__(self, code: int) -> int:
        self[code] = code if unicodedata.category(chr(code))[0] in "LMN" else ord(" ")
        return self[code]


APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼ`´"), ord("'"))  # noqa: RUF001 - as people type them
ACCENTS = str.maketrans("áàâãäéèêëíìîïóòôõöúùûü", "aaaaaeeeeiiiiooooouuuu")


def language_of(country: str) -> Language:
    """Return the language of a country; `any` where it is not known."""
    return COUNTRIES.get(country.upper(), "any")


@cache
def words_in(language: Language) -> Callable[[str], list[str]]:
    """Return a function that gives a text's words in their order."""
    characters = _Characters(APOSTROPHES | (ACCENTS if language in ("es", "pt") else {}))
    kept = r"\1\1" if language == "en" else r"\1"
    apart = {"en": _english, "pt": _portuguese}.get(language, _parts)

    def words(text: str) -> list[str]:
        read = _said(text).lower()
        if THRICE.search(read):
            read = REPEATED.sub(kept, read)
        read = read.translate(characters)
        found = read.split()
        if "'" in read:
            found = [part for word in found for part in apart(word)]
        return [word for word in found if word[0].isalpha()]

    return words


def _said(text: str) -> str:
    """Return a text in composed characters, without addresses and mentions."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "&" in text:
        text = html.unescape(text)
    return UNSAID.sub(" ", text) if "://" in text or "@" in text or "www." in text else text


def _parts(word: str) -> list[str]:
    return [part for part in word.split("'") if part]


def _english(word: str) -> list[str]:
    word = word.strip("'")
    if word in IRREGULAR:
        return IRREGULAR[word].split()
    for ending, written_out in ENDINGS.items():
        if word.endswith(ending):
            return f"{word.removesuffix(ending)}{written_out}".replace("'", " ").split()
    return _parts(word)


def _portuguese(word: str) -> list[str]:
    parts = _parts(word)
    return [part for part in parts if len(part) > 1] if len(parts) > 1 else parts

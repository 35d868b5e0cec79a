"""What labellers write for yes, no and unsure, in English, Spanish and Portuguese; no other word is guessed at."""

import unicodedata
from typing import Literal

from tasks.core.corpus.logical_types import is_blank, spell

Answer = Literal["yes", "no", "unsure", "blank"]
WORDS: dict[Answer, tuple[str, ...]] = {
    "yes": ("yes", "y", "true", "1", "sí", "si", "sim", "verdadero", "verdadeiro"),
    "no": ("no", "n", "false", "0", "não", "nao", "falso"),
    "unsure": (
        *("unsure", "not sure", "maybe", "don't know", "dont know", "?"),
        *("no sé", "no se", "no estoy seguro", "no estoy segura", "quizás", "quizas", "tal vez"),
        *("não sei", "nao sei", "não tenho certeza", "talvez"),
    ),
    "blank": ("skip", "skipped"),
}
"""Each answer may be written so, in any case, with spaces or a full stop around it. `s` is none: it is the sheet's key
for skip, and short for sí and sim."""
_MEANING = {word: answer for answer, words in WORDS.items() for word in words}


def answer_of(word: object) -> Answer | None:
    """Return what a word of a labeller means, or None where the table does not have it; what is empty is blank."""
    if is_blank(word):
        return "blank"
    text = unicodedata.normalize("NFKC", spell(word)).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return _MEANING.get(" ".join(text.casefold().strip(" .!").split()))


def words_told() -> str:
    """Say which words are known, for errors."""
    return "; ".join(f"{answer}: {', '.join(words)}" for answer, words in WORDS.items())

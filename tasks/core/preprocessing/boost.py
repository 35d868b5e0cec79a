"""`boost`: what the pipeline of boostFSLBert does to a text, in an order in which the outcome is stable.

In this order, repeated until nothing changes:

1. unicode clean: characters without width dropped, HTML entities written out, emoji removed, typographic quotes made
   plain, NFKC (full-width and styled letters become plain ones)
2. lower case; the placeholders are therefore `url`, `usr`, `htg` and `num`
3. links -> `url`, handles -> `usr`, hashtags (`#1` too) -> `htg`
4. repeated punctuation -> once (`!!!`, `?!?!`), before contractions, some of which end in a full stop
5. English contractions written out (`can't`, `gonna`); without apostrophes (`dont`) they stay, for many are other words
6. numbers that stand alone -> `num` (`2nd` and `b4` stay)
7. white space -> one space, repeated words -> once
8. usr, htg and url at either end are removed; a text of nothing else becomes empty

The words url, usr and htg written by an author cannot be told from placeholders, and are treated as such.
"""

# ruff: noqa: RUF001 - look-alike characters are what this is about

import re
import unicodedata
from functools import cache
from typing import Any

from tasks.core.preprocessing.characters import drop_unseen, replace_emoji, replace_handles, replace_links, settle

PLAIN_QUOTES = str.maketrans(dict.fromkeys("‘’‚‛`´ʼ′＇", "'") | dict.fromkeys("“”„‟«»″", '"'))
HASHTAG = re.compile(r"#\w+")
REPEATED_PUNCTUATION = re.compile(r"([^\w\s]{1,2}?|_)\1+")
NUMBER = re.compile(r"(?<![\w&])\d+(?:[.,:/]\d+)*(?!\w)")
"""A number does not follow &, for `&num;` is an entity."""
REPEATED_WORD = re.compile(r"(?<![\w'])(\w+)(?: \1(?![\w']))+")
PLACEHOLDERS = frozenset({"url", "usr", "htg"})


def prepare_boost(text: str) -> str:
    """Return the text as boostFSLBert's pipeline would, with placeholders in lower case."""
    return settle(_step, text)


def _step(text: str) -> str:
    text = replace_emoji(drop_unseen(text), _nothing)
    text = unicodedata.normalize("NFKC", text.translate(PLAIN_QUOTES) if not text.isascii() else text).lower()
    text = replace_handles(replace_links(text, " url "), " usr ")
    text = HASHTAG.sub(" htg ", text)
    text = _expand(REPEATED_PUNCTUATION.sub(r"\1", text))
    text = " ".join(NUMBER.sub("num", text).split())
    return _trim(REPEATED_WORD.sub(r"\1", text))


def _nothing(name: str) -> str:  # noqa: ARG001 - of an emoji
    return ""


def _expand(text: str) -> str:
    return str(_contractions().fix(text, leftovers=False, slang=False)).lower()


def _trim(text: str) -> str:
    """Remove the placeholders at both ends."""
    words = text.split(" ")
    start, stop = 0, len(words)
    while start < stop and words[start] in PLACEHOLDERS:
        start += 1
    while stop > start and words[stop - 1] in PLACEHOLDERS:
        stop -= 1
    return " ".join(words[start:stop])


@cache
def _contractions() -> Any:
    import contractions  # type: ignore[import-untyped] # noqa: PLC0415 - only this preprocessing needs it

    return contractions

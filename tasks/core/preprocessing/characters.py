"""What `tweet` and `boost` share: characters nobody sees, emoji, links, handles."""

# ruff: noqa: RUF001 - look-alike characters are what this is about

import html
import re
from collections.abc import Callable
from functools import cache

SKIN_TONES = "\U0001f3fb-\U0001f3ff"
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls that are not white space
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"  # zero width, direction
    f"\ufe0e\ufe0f{SKIN_TONES}]"  # how an emoji looks, not which one it is
)
"""These are dropped everywhere. The joiners U+200C and U+200D stay: Persian and Indian spelling has them, and emoji."""
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""An entity ends in its semicolon: `?a=1&copy=2` is part of a link, and R&Bnot no entity."""
JOINER = "\u200d"
KEYCAP = "\u20e3"

LINK = re.compile(
    r"(?:https?:/|ftp:/|(?<![\w@])www\.(?=\w)|(?<![\w.@/-])t\.co/(?=\w)|pic\.twitter\.com/)[^\s<>\"“”«»]*",
    re.IGNORECASE,
)
"""A link may also be glued to the word before it, and cut off (`https:/…`), as retweets leave them."""
AFTER_LINK = ".,;:!?)]}'’…"
"""Punctuation at a link's end belongs to the sentence."""

HANDLE = re.compile(
    r"(?:(?<!\w)|(?<=\brt))[@\uff20](?:[^\W\u2e80-\uffff]|[\u0300-\u036f])+(?:[@\uff20][\w.-]*\w)*", re.IGNORECASE
)
"""A handle does not follow a letter, so that an e-mail address is none; it may have its server
(`@ana@mastodon.social`). Chinese, Japanese and Korean letters end it: they follow without a space."""


def settle(step: Callable[[str], str], text: str) -> str:
    """Repeat `step` until the text stays as it is, so that preparing it once more changes nothing.

    Nearly every text settles in two rounds; each further one takes a layer off, such as `&amp;amp;lt;`.
    """
    for _ in range(len(text) + 2):
        before, text = text, step(text)
        if text == before:
            break
    return text


def drop_unseen(text: str) -> str:
    """Remove characters that have no width, and write HTML entities as the characters they stand for."""
    if not text.isascii() or not text.isprintable():
        text = UNSEEN.sub("", text)
    return ENTITY.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text


def replace_links(text: str, placeholder: str) -> str:
    """Put `placeholder` where a link stands."""
    if "/" not in text and "www." not in text.lower():
        return text
    return LINK.sub(lambda match: _apart(match, placeholder), text)


def replace_handles(text: str, placeholder: str) -> str:
    """Put `placeholder` where a handle stands."""
    return HANDLE.sub(placeholder, text) if "@" in text or "\uff20" in text else text


def replace_emoji(text: str, word: Callable[[str], str]) -> str:
    """Put `word(name)` between spaces where an emoji stands; it must be without `UNSEEN` characters."""
    if text.isascii():
        return text
    firsts, pattern, names = _emoji()
    if firsts.isdisjoint(text):
        return text
    return pattern.sub(lambda match: f" {word(names[match[0].rstrip(JOINER)])} ", text)


def _apart(match: re.Match[str], placeholder: str) -> str:
    """Return the placeholder with the punctuation after the link, and a space where a word runs into it."""
    link, start = match[0], match.start()
    glued = start > 0 and match.string[start - 1].isalnum()
    return (" " if glued else "") + placeholder + link[len(link.rstrip(AFTER_LINK)) :]


@cache
def _emoji() -> tuple[frozenset[str], re.Pattern[str], dict[str, str]]:
    """Return characters of which a text with emoji has one, a pattern of each emoji, and the emoji's names."""
    from emoji import EMOJI_DATA  # noqa: PLC0415 - takes as long as the rest of the package, and few commands need it

    names: dict[str, str] = {}
    for emoji, entry in EMOJI_DATA.items():
        seen = UNSEEN.sub("", emoji)
        if seen and (seen not in names or seen == emoji):
            names[seen] = re.sub(r"[_,]+(?:medium-)?(?:light|medium|dark)_skin_tone", "", entry["en"])
    names = {emoji: name.strip(":").replace("_", " ") for emoji, name in names.items()}
    longest_first = sorted(names, key=lambda emoji: (-len(emoji), emoji))
    firsts = frozenset(emoji[0] for emoji in names if not emoji[0].isascii()) | {KEYCAP}
    pattern = f"(?:{'|'.join(map(re.escape, longest_first))}){JOINER}*"
    return firsts, re.compile(pattern), names

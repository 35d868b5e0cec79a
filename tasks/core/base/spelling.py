"""Words that were meant: the nearest of those that are known, and a text as a name."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

SHOWN_WORDS = 3


def nearest(word: object, known: Iterable[object]) -> str:
    """Say which of the known words may have been meant: ` Did you mean epochs?`; nothing where none is like it."""
    given, words = str(word).casefold(), {str(one).casefold(): str(one) for one in known}
    close = get_close_matches(given, words, 1) or [one for one in words if given and given in one]
    return f" Did you mean {' or '.join(words[one] for one in close[:SHOWN_WORDS])}?" if close else ""


def plain_name(text: str) -> str:
    """Return a text as the name of a label may be: lower-case letters, digits and `_`; empty where it has none."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")

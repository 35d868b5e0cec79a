"""`tweet`: links, handles and emoji become words; case, hashtags and punctuation stay.

In this order, repeated until nothing changes:

1. characters without width are dropped, HTML entities written out; skin tones are dropped with them
2. Unicode NFC
3. emoji become their English names between spaces: `:thumbs_up:` -> `thumbs up`
4. links become `http`
5. handles become `@user`, masked ones (`@anonymous`) too; e-mail addresses stay
6. white space, line breaks included, becomes one space, and none at the ends
"""

import unicodedata

from tasks.core.preprocessing.characters import drop_unseen, replace_emoji, replace_handles, replace_links, settle


def prepare_tweet(text: str) -> str:
    """Return the text with links, handles and emoji as words."""
    return settle(_step, text)


def _step(text: str) -> str:
    text = unicodedata.normalize("NFC", drop_unseen(text))
    text = replace_emoji(text, str)
    text = replace_links(text, "http")
    return " ".join(replace_handles(text, "@user").split())

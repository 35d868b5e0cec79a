"""Lists and receipts as texts in Redis, and the number of the layout that a version's meta hash says it has."""

import json
from collections.abc import Mapping
from typing import Any

from tasks.core.base.errors import FormatError

LAYOUT = 1
"""This number rises when versions are laid out in Redis otherwise than before."""


def pack(value: Any) -> str:
    """Return a value as JSON, as people and Redis' own scripts read it."""
    return json.dumps(value, ensure_ascii=False)


def unpack(text: str | bytes) -> Any:
    """Return what a text of `pack` says."""
    return json.loads(text)


def decoded(pairs: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return a hash of Redis as texts."""
    return {name.decode(): value.decode() for name, value in pairs.items()}


def require_layout(meta: Mapping[str, str], name: str) -> None:
    """Refuse a version of another layout than this version of Winnow reads.

    Raises:
        FormatError: it is of another layout.
    """
    if meta.get("layout") != str(LAYOUT):
        raise FormatError(
            f"version {name} in Redis is of layout {meta.get('layout')}; this Winnow reads layout {LAYOUT}. Publish "
            "the run folders again with this version, or read with the one that published them."
        )

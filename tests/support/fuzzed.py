"""What a fuzz test puts in place of a file: bytes, a whole file that was edited, or a record with other values."""

import copy
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.support.records import vouched

SHORT, LONG = 40, int(os.environ.get("WINNOW_FUZZ_EXAMPLES", "1500"))
AMOUNTS = [SHORT, pytest.param(LONG, marks=pytest.mark.drill)]
"""Ordinary tests try the same few cases each time; the drill draws many anew."""

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
EDITS = st.lists(
    st.tuples(st.sampled_from(["cut", "insert", "replace", "repeat"]), st.floats(0, 1), st.binary(max_size=8)),
    min_size=1,
    max_size=4,
)


def amount(count: int) -> settings:
    """Return the settings of a fuzz test of so many cases."""
    return settings(
        max_examples=count,
        derandomize=count <= SHORT,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def edited(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw some bytes, or a whole file of which pieces were cut, put in, replaced or written twice."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = bytearray(whole)
    for kind, where, piece in draw(EDITS):
        place = int(len(content) * where)
        if kind == "cut":
            del content[place : place + 1 + len(piece) ** 2]
        elif kind == "insert":
            content[place:place] = piece
        elif kind == "replace":
            content[place : place + len(piece)] = piece
        else:
            content[place:place] = content[place : place + 40]
    return bytes(content)


@st.composite
def changed(draw: st.DrawFn, said: dict[str, Any], vouch: bool = True) -> dict[str, Any]:
    """Draw a record with other values, of any type, and without some keys; its checksum is mostly right."""
    content = copy.deepcopy(said)
    for _ in range(draw(st.integers(1, 3))):
        node, key = content, draw(st.sampled_from(sorted(content)))
        while isinstance(node[key], dict | list) and node[key] and draw(st.booleans()):
            node = node[key]
            key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if draw(st.integers(0, 3)):
            node[key] = draw(VALUES)
        elif node is not content or len(content) > 1:
            del node[key]
    return vouched(content) if vouch and draw(st.integers(0, 9)) else content

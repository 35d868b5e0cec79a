"""Bits that are flipped and fields that are altered in a file, each by itself; then the file is as it was."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.records import write_vouched


def flipped_bits(path: Path, count: int, seed: int) -> Iterator[str]:
    """Flip bits of a file one at a time, at random places, and yield which."""
    whole, draw = path.read_bytes(), random.Random(seed)  # noqa: S311 - no secret is drawn
    for _ in range(count):
        place, bit = draw.randrange(len(whole)), draw.randrange(8)
        content = bytearray(whole)
        content[place] ^= 1 << bit
        path.write_bytes(content)
        yield f"{path.name}: bit {bit} of byte {place}"
    path.write_bytes(whole)


def altered_fields(path: Path, vouch: bool) -> Iterator[str]:
    """Alter each value of a JSON file, at any depth, and remove each key; yield which.

    Unless it is to `vouch` for what it alters, the file's checksum stays as it was.
    """
    whole = path.read_bytes()
    said = json.loads(whole)
    for where, change in _changes(said, ()):
        other = json.loads(whole)
        change(other)
        if vouch:
            write_vouched(path, other)
        else:
            path.write_text(json.dumps(other), encoding="utf-8")
        yield f"{path.name}: {'.'.join(map(str, where))}"
    path.write_bytes(whole)


def _changes(node: Any, where: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Callable[[Any], None]]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        place = (*where, key)
        yield place, lambda root, place=place, value=value: _parent(root, place).__setitem__(place[-1], _other(value))
        yield (*place, "removed"), lambda root, place=place: _parent(root, place).__delitem__(place[-1])
        yield from _changes(value, place)


def _parent(root: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        root = root[key]
    return root


def _other(value: Any) -> Any:
    """Return another value of the same type, or of another one where there is none."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    return [] if isinstance(value, dict) else {}

"""A folder that one launch holds at a time: what it writes there comes out of its own place, or not at all.

The holder's place is a folder inside the held one. Files are made there and renamed to where they belong; files that go
are renamed into it. Who takes the folder over renames the former holder's place away, in one step. From then on nothing
that the former holder does finds its way: neither end of its renames is there any more.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.aside_names import aside_name
from tasks.core.base.errors import LaunchLostError
from tasks.core.base.syncing import fsync


@dataclass(frozen=True)
class Hold:
    """Which folder is held, and where its holder makes files."""

    folder: Path
    place: Path


_HOLD: ContextVar[Hold | None] = ContextVar("hold", default=None)


@contextmanager
def holding(folder: Path, place: Path) -> Iterator[None]:
    """Work for the holder of a folder: this thread's files below it are made in the holder's place."""
    before = _HOLD.set(Hold(folder.absolute(), place.absolute()))
    try:
        yield
    finally:
        _HOLD.reset(before)


def place_for(path: Path) -> Path | None:
    """Return the holder's place for a file at `path`, or None where this thread holds no folder above it."""
    hold = _HOLD.get()
    return hold.place if hold is not None and path.absolute().is_relative_to(hold.folder) else None


def aside_of(path: Path) -> Path:
    """Return where a file is made before it is renamed to `path`."""
    place = place_for(path)
    if place is None:
        return path.with_name(aside_name(path.name))
    name = f".{path.name}.{uuid.uuid4().hex}.tmp"
    return place / name


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, but never the holder's place: where that is gone, it stays so."""
    place = place_for(folder)
    if place is None or not folder.absolute().is_relative_to(place):
        folder.mkdir(parents=True, exist_ok=True)
        return
    below = folder.absolute().relative_to(place)
    for above in (*reversed(below.parents[:-1]), below):
        if above != Path():
            (place / above).mkdir(exist_ok=True)


def discard(path: Path) -> None:
    """Remove a file, if it is there, for good.

    Raises:
        LaunchLostError: another launch has taken the folder over; the file stays.
    """
    if not path.is_file():
        return
    aside = aside_of(path)
    with lost_hold_named(path):
        try:
            path.rename(aside)
        except FileNotFoundError:
            if aside.parent.is_dir() or not path.is_file():
                return  # another has removed it meanwhile
            raise
        aside.unlink()
        fsync(path.parent)


@contextmanager
def lost_hold_named(path: Path) -> Iterator[None]:
    """Say so where a file is not found because another launch has taken the folder over.

    Raises:
        LaunchLostError: it has.
    """
    try:
        yield
    except FileNotFoundError as error:
        place = place_for(path)
        if place is None or place.is_dir():
            raise
        raise lost(path) from error


def lost(path: Path) -> LaunchLostError:
    """Return the error of a launch that lost its hold before it could change `path`."""
    return LaunchLostError(
        f"{path} was not changed: another launch took over its folder, because this one had given no sign of life for "
        "too long, or this one has ended. Let the other one work; `winnow status` says how far it is."
    )

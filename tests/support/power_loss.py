"""Every state that a disk may be in after the power went off while something was written.

A writer runs for real in a folder; before and after each of its calls of the system the folder is looked at, and what
has become of names and bytes is written down. A crash may come after any of these changes. What was not synced by then
may be lost:

bytes   of a file that was not synced since they were written: there, none of them, or half
names   made, taken away or renamed in a folder that was not synced since: in the order of the changes up to any of
        them, or any single one; a renamed file may also have both names when only its new folder was synced
"""

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CALLS = ("rename", "replace", "link", "unlink", "mkdir", "rmdir", "fsync", "open", "utime")
ROOT = 0
Tree = dict[str, bytes | None]
"""By path: a file's bytes, or None for a folder."""


@dataclass
class Name:
    """A name that was made in a folder, or taken away from it."""

    folder: int
    name: str
    inode: int | None
    """Taken away where this is None."""
    change: int
    """Names of one rename have the same number."""
    synced: bool = False


@dataclass
class Moment:
    """What is on disk for sure, and what may be, at one moment."""

    names: list[Name]
    written: dict[int, bytes]
    synced: dict[int, bytes]
    folders: frozenset[int]


@dataclass
class Recorder:
    """Looks at a folder again and again, and notes what changed."""

    root: Path
    names: list[Name] = field(default_factory=list)
    written: dict[int, bytes] = field(default_factory=dict)
    synced: dict[int, bytes] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    _known: dict[int, int] = field(default_factory=dict)
    _entries: dict[int, dict[str, int]] = field(default_factory=dict)
    _folders: set[int] = field(default_factory=lambda: {ROOT})
    _next: int = 1
    _changes: int = 0

    def look(self) -> None:
        """Note what has changed since the last look."""
        found: dict[int, dict[str, int]] = {}
        seen = self._walk(self.root, ROOT, found)
        self._note_names(found)
        self._known = {real: inode for real, inode in self._known.items() if real in seen}
        self._entries = found
        self._moment()

    def sync(self, descriptor: int) -> None:
        """Note that a file or folder was synced."""
        real = os.fstat(descriptor).st_ino
        inode = ROOT if real == self.root.stat().st_ino else self._known.get(real)
        if inode in self._folders:
            self._sync_names(inode)
        elif inode is not None:
            self.synced[inode] = self.written[inode]
        self._moment()

    def _walk(self, path: Path, inode: int, found: dict[int, dict[str, int]]) -> set[int]:
        seen, entries = set(), found.setdefault(inode, {})
        for entry in sorted(os.scandir(path), key=lambda one: one.name):
            real = entry.inode()
            if real not in self._known:
                self._known[real] = self._next
                self._next += 1
            own = entries[entry.name] = self._known[real]
            seen.add(real)
            if entry.is_dir(follow_symlinks=False):
                self._folders.add(own)
                seen |= self._walk(Path(entry.path), own, found)
            else:
                self.written[own] = Path(entry.path).read_bytes()
        return seen

    def _note_names(self, found: dict[int, dict[str, int]]) -> None:
        gone = [
            (folder, name, inode)
            for folder, entries in self._entries.items()
            for name, inode in entries.items()
            if found.get(folder, {}).get(name) != inode
        ]
        came = [
            (folder, name, inode)
            for folder, entries in found.items()
            for name, inode in entries.items()
            if self._entries.get(folder, {}).get(name) != inode
        ]
        moved = {inode for _, _, inode in came} & {inode for _, _, inode in gone}
        numbers = {inode: self._number() for inode in moved}
        for folder, name, inode in came:
            self.names.append(Name(folder, name, inode, numbers.get(inode) or self._number()))
        for folder, name, inode in gone:
            if found.get(folder, {}).get(name) is None:
                self.names.append(Name(folder, name, None, numbers.get(inode) or self._number()))

    def _number(self) -> int:
        self._changes += 1
        return self._changes

    def _sync_names(self, folder: int) -> None:
        synced = {name.change for name in self.names if name.folder == folder and name.inode is not None}
        for name in self.names:
            name.synced = name.synced or name.folder == folder
        # A rename is one change: with the old name's folder, the new one is on disk, too.
        old = {name.change for name in self.names if name.folder == folder} - synced
        for name in self.names:
            name.synced = name.synced or name.change in old

    def _moment(self) -> None:
        names = [Name(**vars(name)) for name in self.names]
        self.moments.append(Moment(names, dict(self.written), dict(self.synced), frozenset(self._folders)))


@contextmanager
def recording(root: Path) -> Iterator[Recorder]:
    """Record what happens to a folder meanwhile; what it holds before is on disk."""
    recorder = Recorder(root)
    recorder.look()
    for name in recorder.names:
        name.synced = True
    recorder.synced = dict(recorder.written)
    recorder.moments.clear()
    one, own = threading.Lock(), threading.local()

    def watched(called: str, function: Any) -> Any:
        @functools.wraps(function)
        def call(*given: Any, **settings: Any) -> Any:
            if getattr(own, "is_looking", False):
                return function(*given, **settings)
            with one:
                own.is_looking = True
                try:
                    recorder.look()
                    result = recorder.sync(given[0]) if called == "fsync" else function(*given, **settings)
                    recorder.calls.append(called)
                    recorder.look()
                finally:
                    own.is_looking = False
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, watched(name, getattr(os, name)))
        yield recorder
        own.is_looking = True
        recorder.look()


def crash_states(recorder: Recorder) -> Iterator[Tree]:
    """Yield every different state that may be found after a crash at any moment."""
    seen = set()
    for moment in recorder.moments:
        for lost in _lost_names(moment):
            tree = _tree(moment, lost)
            for bytes_of in _bytes(moment):
                state = {path: bytes_of(inode) for path, inode in tree.items()}
                key = hash(frozenset(state.items()))
                if key not in seen:
                    seen.add(key)
                    yield state


def _lost_names(moment: Moment) -> Iterator[frozenset[int]]:
    """Yield which of the unsynced names are lost, by their places in the list."""
    changes = list(dict.fromkeys(name.change for name in moment.names if not name.synced))
    places: dict[int, list[int]] = {}
    for place, name in enumerate(moment.names):
        if not name.synced:
            places.setdefault(name.change, []).append(place)
    for kept in range(len(changes) + 1):
        yield frozenset(place for change in changes[kept:] for place in places[change])
    for change in changes:
        yield frozenset(places[change])


def _tree(moment: Moment, lost: frozenset[int]) -> dict[str, int | None]:
    folders: dict[int, dict[str, int]] = {}
    for place, name in enumerate(moment.names):
        entries = folders.setdefault(name.folder, {})
        if place in lost:
            continue
        if name.inode is None:
            entries.pop(name.name, None)
        else:
            entries[name.name] = name.inode
    found: dict[str, int | None] = {}

    def walk(folder: int, path: str) -> None:
        for name, inode in folders.get(folder, {}).items():
            if inode in moment.folders:
                found[path + name] = None
                walk(inode, f"{path}{name}/")
            else:
                found[path + name] = inode

    walk(ROOT, "")
    return found


def _bytes(moment: Moment) -> Iterator[Callable[[int | None], bytes | None]]:
    """Yield what becomes of bytes that were not synced: they are there, none of them is, or the first half."""
    for part in (1.0, 0.0, 0.5):

        def bytes_of(inode: int | None, part: float = part) -> bytes | None:
            if inode is None:
                return None
            written, synced = moment.written[inode], moment.synced.get(inode)
            return written if synced == written or part == 1 else written[: int(len(written) * part)]

        yield bytes_of


def lay_out(state: Tree, root: Path) -> Path:
    """Write a state into an empty folder."""
    root.mkdir(parents=True)
    for path, content in state.items():
        if content is None:
            (root / path).mkdir(parents=True, exist_ok=True)
        else:
            (root / path).write_bytes(content)
    return root

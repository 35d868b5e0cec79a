"""What a writer of several files leaves when the power goes off, and what its next run makes of that.

In each state a reader takes what is there for nothing, or for something whole; and after the writer's next run there is
the whole, and no name that an undisturbed run would not have left.
"""

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.core.base import processes
from tests.support.power_loss import Tree, crash_states, lay_out, recording

SAMPLE_SEED = 0


@dataclass(frozen=True)
class Writer:
    """A writer and the reader of what it writes, both real."""

    root: Path
    """All that is written lies below this folder."""
    write: Callable[[], object]
    """This does what a flow does: also look whether there is anything to do."""
    read: Callable[[], Any]
    """This returns what a reader makes of the files, or None where it refuses them or finds none."""
    settle: Callable[[], object]
    """This does what a run does first: it removes what it will not go on from."""
    is_private: bool = False
    """Nobody reads the files but after a run of their writer."""


@dataclass(frozen=True)
class PowerCuts:
    """The states in which a power cut may leave what a writer writes."""

    writer: Writer
    states: list[Tree]
    wholes: Sequence[Any]
    """A reader may find one of these: what was there before, and what was written."""
    names: frozenset[str]
    """An undisturbed run leaves these files and folders."""
    calls: list[str]

    def drawn(self, count: int) -> list[Tree]:
        """Return some of the states."""
        return random.Random(SAMPLE_SEED).sample(self.states, min(count, len(self.states)))  # noqa: S311 - no secret

    def require_recovery(self, states: Sequence[Tree]) -> None:
        """Check the reader in each state, let the writer run again, and check what is there then."""
        for state in states:
            self._lay_out(state)
            self._require_whole_again(state)

    def require_recovery_from_all(self) -> int:
        """Do so in all states, once for those that are the same when they are settled; return how many that are."""
        settled = set()
        for state in self.states:
            self._lay_out(state)
            self.writer.settle()
            left = frozenset(_content(self.writer.root))
            if left not in settled:
                settled.add(left)
                self._require_whole_again(state)
        return len(settled)

    def _lay_out(self, state: Tree) -> None:
        shutil.rmtree(self.writer.root)
        lay_out(state, self.writer.root)
        if not self.writer.is_private:
            found = self.writer.read()
            assert found is None or found in self.wholes, sorted(state)

    def _require_whole_again(self, state: Tree) -> None:
        self.writer.write()
        assert self.writer.read() == self.wholes[-1], sorted(state)
        assert not names_in(self.writer.root) - self.names, sorted(state)


def power_cuts(writer: Writer) -> PowerCuts:
    """Let a writer run, undisturbed, and return the states in which it may have been cut off."""
    writer.root.mkdir(parents=True, exist_ok=True)
    before = None if writer.is_private else writer.read()
    with before_this_boot(), recording(writer.root) as recorder:
        writer.write()
    wholes = [whole for whole in (before, writer.read()) if whole is not None]
    return PowerCuts(writer, list(crash_states(recorder)), wholes, names_in(writer.root), recorder.calls)


@contextmanager
def before_this_boot() -> Iterator[None]:
    """Work as a process of an earlier boot of this machine: later it is known to be gone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "_boot", lambda: "0ld0b007")
        yield


def names_in(root: Path) -> frozenset[str]:
    """Return all files and folders below a folder."""
    return frozenset(path.relative_to(root).as_posix() for path in root.rglob("*"))


def _content(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in root.rglob("*"):
        yield path.relative_to(root).as_posix(), path.read_bytes() if path.is_file() else b"a folder"

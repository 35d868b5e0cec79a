"""Actors that take turns at every change of a file and every opening of one, in an order that a seed draws.

The code under test is real, each actor a thread. Before a change, or an opening, the actor waits until it is drawn;
all others stand still meanwhile. Actors of one process are suspended together, for any time, and killed together: from
then on nothing that they do reaches the disk. The file system has a clock of its own, and each process another, up to
an hour beside it.
"""

import functools
import io
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

CHANGES = ("rename", "replace", "link", "unlink", "mkdir", "rmdir", "fsync", "utime")
HOUR = 3600.0
PAUSE = 0.03
KILL = 0.004
LONGEST_PAUSE = 400


class KilledError(BaseException):
    """Stands for SIGKILL: no handler of the code under test may see it."""


@dataclass
class Process:
    """What is suspended and killed as one."""

    name: str
    skew: float
    mortal: bool = True
    paused_until: int = 0
    killed: bool = False


@dataclass
class Actor:
    """One thread of a process."""

    process: Process
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: bool = False
    result: Any = None
    error: BaseException | None = None


class World:
    """Draws who is next, for how long who sleeps, and what time it is."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - which order, not a secret
        self.actors: list[Actor] = []
        self.clock = time.time()
        self.steps = 0
        self.calm = False
        """Nobody is suspended or killed any more."""
        self.each_step: Callable[[], None] = lambda: None
        self._turn = threading.Semaphore(0)
        self._mine = threading.local()

    def process(self, name: str) -> Process:
        """Return a new process with a clock of its own."""
        return Process(name, self.draw.uniform(-HOUR, HOUR))

    def start(self, process: Process, act: Callable[[], Any]) -> Actor:
        """Let a process do something, from the next turn on."""
        actor = Actor(process)

        def live() -> None:
            self._mine.actor = actor
            actor.go.acquire()
            try:
                if not process.killed:
                    actor.result = act()
            except BaseException as error:  # noqa: BLE001 - the test judges it
                actor.error = error
            actor.ended = True
            self._turn.release()

        self.actors.append(actor)
        threading.Thread(target=live, daemon=True).start()
        return actor

    def step(self) -> None:
        """Let the others go on, until this thread's actor is drawn again."""
        actor = getattr(self._mine, "actor", None)
        if actor is None:
            return
        if not actor.process.killed:
            self._turn.release()
            actor.go.acquire()
        if actor.process.killed:
            raise KilledError

    def run(self) -> None:
        """Draw actors until all have ended."""
        while living := [actor for actor in self.actors if not actor.ended]:
            self._befall(living)
            awake = [actor for actor in living if actor.process.paused_until <= self.steps]
            actor = self.draw.choice(awake) if awake else min(living, key=lambda one: one.process.paused_until)
            if not awake:
                actor.process.paused_until = self.steps
            self.steps += 1
            self.clock += self.draw.choice((0.0, 0.0, 0.5, 3.0))
            actor.go.release()
            self._turn.acquire()
            self.each_step()

    def now(self) -> float:
        """Return what the clock of this thread's process says."""
        actor = getattr(self._mine, "actor", None)
        return self.clock + (actor.process.skew if actor else 0.0)

    def _befall(self, living: list[Actor]) -> None:
        process = self.draw.choice(living).process
        luck = self.draw.random()
        if self.calm or luck > PAUSE or not process.mortal:
            return
        if luck < KILL:
            process.killed = True
        else:
            process.paused_until = self.steps + self.draw.randrange(LONGEST_PAUSE)


@contextmanager
def taking_turns(world: World) -> Iterator[None]:
    """Have every change of a file, and every opening of one by pathlib, wait for its actor's turn."""

    def turn(function: Any) -> Any:
        @functools.wraps(function)
        def waiting(*given: Any, **settings: Any) -> Any:
            world.step()
            return function(*given, **settings)

        return waiting

    utime = os.utime

    def stamp(path: Any, times: Any = None, **settings: Any) -> None:
        world.step()
        utime(path, (world.clock, world.clock) if times is None and not settings else times, **settings)

    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            patch.setattr(os, name, turn(getattr(os, name)))
        patch.setattr(os, "fsync", turn(lambda _: None))
        patch.setattr(os, "utime", stamp)
        patch.setattr(io, "open", turn(io.open))
        patch.setattr(time, "time", world.now)
        yield

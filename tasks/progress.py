"""How far a flow is, as a bar on the run that was started; of an inference in what is said of the run, too."""

import time
from collections.abc import Iterable
from uuid import UUID

from prefect.artifacts import update_progress_artifact

from tasks.artifacts import leave_above
from tasks.core.base.durations import duration
from tasks.core.base.naming.artifact_names import (
    DRAWS_PROGRESS_ARTIFACT,
    PROGRESS_ARTIFACT,
    artifact_key,
    run_artifact_key,
)
from tasks.core.base.naming.run_names import shard_record
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.story import Seldom, say

PROGRESS_SECONDS = 2.0
"""The receipts are looked at again after so long."""


class Count:
    """Keeps a bar up that says how many things of several are done."""

    def __init__(self, round_: Round, flow: str, things: str, total: int, done_before: int = 0) -> None:
        """Leave the bar on the flow run that began the one at work; `things` is what it counts, such as `seeds`."""
        self._things, self._total, self._before, self._shown = things, total, done_before, 0
        key = artifact_key(round_.name, flow, PROGRESS_ARTIFACT)
        self._artifact = leave_above("progress", key, self._percent(), self._said())

    def update(self, done: int) -> None:
        """Show that so many are done of those that were not before."""
        if done != self._shown:
            self._shown = done
            update_progress_artifact(artifact_id=self._artifact, progress=self._percent(), description=self._said())

    def _percent(self) -> float:
        return 100.0 * (self._before + self._shown) / max(self._total, 1)

    def _said(self) -> str:
        return f"{self._before + self._shown} of {self._total} {self._things}"


def start_progress(round_: Round, plan: Plan, folder: RunFolder) -> UUID:
    """Leave a bar on the inference, and return its id."""
    return _start(plan, folder, run_artifact_key(round_.name, folder.path.name, plan.inputs.limit, PROGRESS_ARTIFACT))


def start_draws_progress(round_: Round, run: tuple[Plan, RunFolder], draws: tuple[Plan, RunFolder]) -> UUID:
    """Leave a bar of a screening's draws, which are scored as a run of their own, and return its id."""
    (plan, folder), what = run, DRAWS_PROGRESS_ARTIFACT
    return _start(*draws, run_artifact_key(round_.name, folder.path.name, plan.inputs.limit, what))


def _start(plan: Plan, folder: RunFolder, key: str) -> UUID:
    return leave_above("progress", key, 0.0, f"{plan.rows} texts in {len(plan.shards)} shards: {folder.path}")


class Progress:
    """Keeps a progress artifact up from the receipts on disk, and says now and then how far the run is."""

    def __init__(self, artifact: UUID, plan: Plan, folder: RunFolder, unfinished: Iterable[int]) -> None:
        self._artifact = artifact
        self._plan = plan
        self._folder = folder
        self._left = {shard_record(number): plan.shards[number].rows for number in unfinished}
        self._finished_before = plan.rows - sum(self._left.values())
        self._stale = {name: self._stamp(name) for name in folder.receipt_names() & self._left.keys()}
        self._started = self._looked = time.monotonic()
        self._seldom = Seldom()

    def update(self, _done: int = 0, *, last: bool = False) -> None:
        """Show shards and rows that have a receipt, rows a second of this launch, and the time that is left.

        Does so every few seconds, and without waiting for the `last` time.
        """
        now = time.monotonic()
        if not last and now - self._looked < PROGRESS_SECONDS:
            return
        self._looked = now
        if not self._sweep() and not last:
            return
        done, told = len(self._plan.shards) - len(self._left), self._told(now - self._started)
        if last or self._seldom.is_due():
            say(told)
        update_progress_artifact(
            artifact_id=self._artifact,
            progress=100.0 * done / len(self._plan.shards),
            description=f"{told}: {self._folder.path}",
        )

    def _told(self, seconds: float) -> str:
        """Say how far the run is after so many seconds of this launch."""
        rows_left, shards = sum(self._left.values()), len(self._plan.shards)
        rows = self._plan.rows - rows_left
        rate = (rows - self._finished_before) / seconds
        left = f", about {duration(rows_left / rate)} left" if rows_left and rate else ""
        return (
            f"{shards - len(self._left):,} of {shards:,} shards, {rows:,} of {self._plan.rows:,} rows, "
            f"{rate:,.0f} rows a second{left}"
        )

    def _sweep(self) -> int:
        """Let go of the shards that have a new receipt by now, and return their rows."""
        there = self._folder.receipt_names() & self._left.keys()
        done = [name for name in there if name not in self._stale or self._stale[name] != self._stamp(name)]
        return sum(self._left.pop(name) for name in done)

    def _stamp(self, name: str) -> int:
        return (self._folder.receipts_folder / name).stat().st_mtime_ns

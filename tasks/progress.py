"""How far an inference is: in the Prefect UI, and in what is said of the run."""

import time
from collections.abc import Iterable
from uuid import UUID

from prefect.artifacts import update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate

from tasks.core.base.durations import duration
from tasks.core.base.naming import PROGRESS_ARTIFACT, artifact_key, shard_record
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.story import Seldom, flow_run_above, say

PROGRESS_SECONDS = 2.0
"""The receipts are looked at again after so long."""


def leave_above(kind: str, key: str, data: object, description: str | None = None) -> UUID:
    """Leave an artifact on the flow run that began the one at work, where a person looks, and return its id."""
    above = flow_run_above()
    run = None if above is None else UUID(above)
    with get_client(sync_client=True) as client:
        asked = ArtifactCreate(type=kind, key=key, data=data, description=description, flow_run_id=run)
        return client.create_artifact(asked).id


def start_progress(round_: Round, plan: Plan, folder: RunFolder) -> UUID:
    """Leave a progress artifact on the inference, and return its id."""
    key = artifact_key(round_.name, plan.sample_name, PROGRESS_ARTIFACT)
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

    def update(self, last: bool = False) -> None:
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

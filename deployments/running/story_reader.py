"""What Prefect's server knows of a flow run while it is at work: its lines, its warnings, its progress."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterType,
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
    LogFilterLevel,
    LogFilterTimestamp,
)
from prefect.client.schemas.objects import Artifact, Log
from prefect.client.schemas.sorting import ArtifactSort

from tasks.story import LOGGERS

INFO, WARNING = 20, 30
PAGE = 200
"""Prefect's server gives so many rows at once."""
LATE = timedelta(seconds=60)
"""Lines come in batches from several machines: one may be so much older than the newest."""
ENDS = ("Finished in state", "Process ")
"""The last that a flow run's process logs begins so."""
OF_THE_ENGINE = (
    "Finished in state",
    "Encountered exception during execution",
    "Engine execution exited",
    "Process ",
    "Task run failed with ",
)
"""Prefect's own words on how a run ended, which its state says, too."""
TRACEBACK = "Traceback (most recent call last)"


class StoryReader:
    """Reads a flow run's lines, those of its tasks on workers and of its sub-flows, each once, the oldest first."""

    def __init__(self, client: SyncPrefectClient, flow_run_id: UUID) -> None:
        self._client = client
        self._id = flow_run_id
        self._seen: set[UUID] = set()
        self._newest: dict[int, datetime] = {}
        self.below: list[UUID] = []
        """The sub-flows' runs that are known, and theirs."""
        self.has_ended = False
        """The run's process has said its last word."""
        self.traceback = ""
        """Where in the code it failed: the innermost, as far as is known."""

    def lines(self) -> list[str]:
        """Return the lines that came since the last call."""
        # What the sub-flows say in their own words stands in this run's log, too.
        below = [log for log in self._new(self.below, WARNING) if log.name not in LOGGERS] if self.below else []
        logs = [*self._new([self._id], INFO), *below]
        told = []
        for log in sorted(logs, key=lambda log: log.timestamp):
            self._notice(log)
            line = told_line(log.name, log.level, log.message)
            told += [] if line is None else [line]
        return told

    def find_below(self) -> None:
        """Look for sub-flows that began since."""
        parents = [self._id, *self.below]
        asked = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=parents))
        runs = self._client.read_flow_runs(flow_run_filter=asked, limit=PAGE)
        self.below += [run.id for run in runs if run.id not in self.below]

    def progress(self) -> float | None:
        """Return how much of what can be counted is done, per cent; None where nothing is counted."""
        found = self._artifacts("progress", [self._id, *self.below])
        return float(found[0].data) if found and isinstance(found[0].data, int | float) else None

    def results(self) -> list[Artifact]:
        """Return the tables and pages that the run left, each as it was at the end, in the order of their making."""
        found = [one for kind in ("table", "markdown") for one in self._artifacts(kind, [self._id])]
        found.sort(key=lambda one: str(one.created))
        return list({one.key: one for one in found}.values())

    def _artifacts(self, kind: str, runs: list[UUID]) -> list[Artifact]:
        """Return artifacts of a kind, the last that was changed first."""
        asked = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=runs), type=ArtifactFilterType(any_=[kind]))
        return self._client.read_artifacts(artifact_filter=asked, sort=ArtifactSort.UPDATED_DESC, limit=PAGE)

    def _notice(self, log: Log) -> None:
        """Keep in mind what is not printed."""
        if TRACEBACK in log.message:
            self.traceback = log.message
        if log.flow_run_id == self._id and log.task_run_id is None and log.message.startswith(ENDS):
            self.has_ended = True

    def _new(self, runs: list[UUID], level: int) -> Iterator[Log]:
        """Yield the logs that were not seen, of this level or above."""
        newest = self._newest.get(level)
        asked = LogFilter(
            flow_run_id=LogFilterFlowRunId(any_=runs),
            level=LogFilterLevel(ge_=level),
            timestamp=None if newest is None else LogFilterTimestamp.model_validate({"after_": newest - LATE}),
        )
        for log in self._pages(asked):
            self._newest[level] = max(log.timestamp, self._newest.get(level, log.timestamp))
            if log.id not in self._seen:
                self._seen.add(log.id)
                yield log

    def _pages(self, asked: LogFilter) -> Iterator[Log]:
        for offset in count(step=PAGE):
            page = self._client.read_logs(asked, limit=PAGE, offset=offset)
            yield from page
            if len(page) < PAGE:
                return


def told_line(logger: str, level: int, message: str) -> str | None:
    """Return what a person is told of a logged line, or None: the run's own words, and the heads of all warnings."""
    if logger in LOGGERS:
        return message if level < WARNING else f"! {message}"
    head = message.partition(TRACEBACK)[0].strip()
    if level < WARNING or not head or head.startswith(OF_THE_ENGINE):
        return None
    return f"! {head}"

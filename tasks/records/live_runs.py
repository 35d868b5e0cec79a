"""A run that the tracking server hears of as it goes on, while it answers; the work itself needs no server.

What counts is the record beside the result: it is written first, and told then, or later.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.core.base.errors import TrackingAwayError
from tasks.core.base.files import fingerprint
from tasks.core.base.run_record import FAILED, RunName, RunRecord, read_run_record, write_run_record
from tasks.records.reachable import few_tries, needs_server
from tasks.records.telling import RUNNING, tell
from tasks.records.tracked_run import TrackedRun
from tasks.records.tracking import system_metrics

LOGGER = logging.getLogger("winnow.training")


def milliseconds() -> int:
    """Return the time since the epoch."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class LiveRun:
    """A run while its work goes on."""

    name: RunName
    parent: RunName | None
    run: TrackedRun | None
    """The server knows it as this one; None where it was away when the work began."""
    path: Path
    """Its record stands here in the end."""
    then: str
    """A person types this once the server has heard of a run that was told late."""
    began: int = field(default_factory=milliseconds, compare=False)
    """Its work began then, in milliseconds since the epoch."""

    @property
    def known(self) -> TrackedRun:
        """The server's run.

        Raises:
            TrackingAwayError: the server was away when it was to be opened.
        """
        if self.run is None:
            raise TrackingAwayError(f"the MLflow server does not know '{self.name.name}' yet. {self.then}")
        return self.run

    def hear(self, do: Callable[[TrackedRun], object]) -> bool:
        """Tell the server something of the run, and say whether it heard; the record has it, too."""
        run = self.run
        return run is not None and _heard(lambda: do(run), f"{self.name.name}: the record will say it")

    def reopen(self) -> None:
        """Say that the run goes on, if it had ended: there is something to do that it stands for."""
        self.hear(lambda known: None if known.status == RUNNING else known.restart())

    def keep(self, record: RunRecord) -> None:
        """Write the record, unless another worker has, and tell it if the server answers."""
        stored = read_run_record(self.path)
        if stored is None or not is_same(stored, record):
            write_run_record(self.path, record)
        tell_if_heard(self.path)

    def fail(self) -> None:
        """Have the run end as FAILED if it has not ended, now or when the server answers."""
        if not self.hear(_fail_running):
            write_run_record(self.path, self.record(FAILED))
            tell_if_heard(self.path)

    def record(self, status: str) -> RunRecord:
        """Return a record that says no more than how the run ended."""
        opened = None if self.run is None else self.run.run_id
        ended = milliseconds()
        return RunRecord(self.name, self.parent, status, ended, self.then, opened, started_milliseconds=self.began)


def is_same(stored: RunRecord, wanted: RunRecord) -> bool:
    """Say whether a record says of the same run of the same parent what the wanted one does."""
    return _said(stored) == _said(wanted)


def _said(record: RunRecord) -> str:
    names = [None if name is None else [name.experiment, name.identity] for name in (record.run, record.parent)]
    return fingerprint([record.status, names, [figure[:3] for figure in record.figures]])


def _fail_running(run: TrackedRun) -> None:
    if run.status == RUNNING:
        run.end(FAILED)


def tell_if_heard(path: Path) -> bool:
    """Tell a record if the server answers, and say whether it did; else the record waits."""
    return _heard(lambda: tell(path), f"{path.name} waits beside the result, and is told later")


@contextmanager
def live(live_run: LiveRun) -> Iterator[LiveRun]:
    """Work on a run: its use of the machine is logged, and it fails when the block raises."""
    with few_tries(), ExitStack() as metrics:
        try:
            if live_run.run is not None:
                metrics.enter_context(system_metrics(live_run.run))
            yield live_run
        except BaseException:
            live_run.fail()
            raise


def open_live(find: Callable[[], TrackedRun]) -> TrackedRun | None:
    """Return the server's run, or None where it does not answer."""
    found: list[TrackedRun] = []
    with few_tries():
        _heard(lambda: found.append(find()), "the work goes on without it")
    return found[0] if found else None


def _heard(do: Callable[[], object], otherwise: str) -> bool:
    try:
        with needs_server(otherwise):
            do()
    except TrackingAwayError as away:
        LOGGER.warning("%s", away)
        return False
    return True

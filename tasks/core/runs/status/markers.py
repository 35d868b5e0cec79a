"""What a shard that has no receipt is doing: who scores it, or why it failed. For people; nothing depends on these."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from tasks.core.base.files import read_json, write_json
from tasks.core.base.naming.run_names import parse_shard
from tasks.core.base.processes import ProcessIdentity, from_words, this_process
from tasks.core.runs.folder import RunFolder, worker_name

LONGEST_MESSAGE = 2_000


@dataclass(frozen=True)
class Running:
    """A worker at a shard."""

    shard: int
    worker: str
    """The worker is named by host and pid."""
    started_at: str
    """The worker began with the shard at this time."""
    slurm_job: str | None = None
    start: str | None = None
    """The worker itself started at this time, so that a later process with its pid is not taken for it."""

    def __post_init__(self) -> None:
        datetime.fromisoformat(self.started_at)

    @property
    def since(self) -> float:
        """When it began with the shard, in seconds since the epoch."""
        return datetime.fromisoformat(self.started_at).timestamp()

    @property
    def process(self) -> ProcessIdentity | None:
        """The worker, or None where its name is not that of a process; older versions wrote no start of it."""
        host, _, pid = self.worker.rpartition("-")
        return from_words(host, pid, self.start or self.since, self.slurm_job)


@dataclass(frozen=True)
class Failure:
    """The last failure of a shard."""

    shard: int
    worker: str
    failed_at: str
    cause: str
    """The error has this class."""
    message: str
    slurm_job: str | None = None


@contextmanager
def marked(folder: RunFolder, shard: int) -> Iterator[None]:
    """Say in the run folder that this process scores a shard, and afterwards why it failed, if it did."""
    running, failure = folder.running_path(shard), folder.failure_path(shard)
    me = this_process()
    write_json(running, asdict(Running(shard, worker_name(), _now(), me.slurm_job, me.start)))
    try:
        yield
    except Exception as error:
        message = str(error)[:LONGEST_MESSAGE]
        with suppress(OSError):  # a full disk must not hide behind the marker that it does not take
            cause = type(error).__name__
            write_json(failure, asdict(Failure(shard, worker_name(), _now(), cause, message, me.slurm_job)))
        raise
    else:
        failure.unlink(missing_ok=True)
    finally:
        running.unlink(missing_ok=True)


def read_running(folder: RunFolder) -> list[Running]:
    """Return who was at which shard; a killed worker leaves its marker."""
    return [Running(**read_json(path)) for path in _markers(folder.running_folder)]


def read_failures(folder: RunFolder) -> list[Failure]:
    """Return the last failure of each shard that failed and was not finished since."""
    return [Failure(**read_json(path)) for path in _markers(folder.failures_folder)]


def _markers(folder: Path) -> list[Path]:
    there = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in there if parse_shard(path.name) is not None)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")

"""What a shard that has no receipt is doing: who scores it, or why it failed. For people; nothing depends on these."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.core.base.files import read_json, write_json
from tasks.core.runs.folder import RunFolder, worker_name

LONGEST_MESSAGE = 2_000


@dataclass(frozen=True)
class Running:
    """A worker at a shard."""

    shard: int
    worker: str
    """Host and pid."""
    started_at: str
    slurm_job: str | None = None


@dataclass(frozen=True)
class Failure:
    """The last failure of a shard."""

    shard: int
    worker: str
    failed_at: str
    cause: str
    """Class of the error."""
    message: str
    slurm_job: str | None = None


@contextmanager
def marked(folder: RunFolder, shard: int) -> Iterator[None]:
    """Say in the run folder that this process scores a shard, and afterwards why it failed, if it did."""
    running, failure = folder.running_path(shard), folder.failure_path(shard)
    job = os.environ.get("SLURM_JOB_ID")
    write_json(running, asdict(Running(shard, worker_name(), _now(), job)))
    try:
        yield
    except Exception as error:
        message = str(error)[:LONGEST_MESSAGE]
        with suppress(OSError):  # a full disk must not hide behind the marker that it does not take
            write_json(failure, asdict(Failure(shard, worker_name(), _now(), type(error).__name__, message, job)))
        raise
    else:
        failure.unlink(missing_ok=True)
    finally:
        running.unlink(missing_ok=True)


def read_running(folder: RunFolder) -> list[Running]:
    """Return who was at which shard; a killed worker leaves its marker."""
    return [Running(**read_json(path)) for path in _markers(folder.path / "running")]


def read_failures(folder: RunFolder) -> list[Failure]:
    """Return the last failure of each shard that failed and was not finished since."""
    return [Failure(**read_json(path)) for path in _markers(folder.path / "failures")]


def _markers(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")

"""Failures of a run by what caused them: one full disk is one line, on however many shards."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tasks.core.runs.folder import RunFolder
from tasks.core.runs.status.markers import Failure

PATH = re.compile(r"[^\s'\"(\[{=]*/[^\s'\",;:)\]}]+")
NUMBER = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]+\b|\d+")
FIRST_SHARDS = 5
LOG_LINES = 3
LOG_TAIL_BYTES = 8_192
"""No more than this is read of a log: a worker of a long run writes a line for each of thousands of shards."""


@dataclass(frozen=True)
class FailureGroup:
    """Shards that failed last for the same cause."""

    cause: str
    """The error has this class."""
    pattern: str
    """The error has this message, its paths and numbers evened out."""
    shards: int
    first_shards: tuple[int, ...]
    shard: int
    """This shard failed last, and the fields below are of it."""
    message: str
    worker: str
    failed_at: str
    log_lines: tuple[str, ...]
    """The worker wrote these lines last."""


def group_failures(failures: Iterable[Failure], folder: RunFolder, labels: Iterable[str]) -> list[FailureGroup]:
    """Group failures by cause and evened-out message; the cause of most shards comes first."""
    ordered = sorted(failures, key=lambda failure: (*_key(failure), failure.shard))
    labels = tuple(labels)
    groups = [_group(list(members), folder, labels) for _, members in groupby(ordered, _key)]
    return sorted(groups, key=lambda group: -group.shards)


def even_out(message: str) -> str:
    """Return the message with each path and number replaced, on one line."""
    return " ".join(NUMBER.sub("<n>", PATH.sub("<path>", message)).split())


def last_log_lines(folder: RunFolder, labels: Iterable[str], worker: str) -> tuple[str, ...]:
    """Return the last lines that a worker logged, of the label whose log it wrote last."""
    logs = [folder.log_path(label, worker) for label in labels]
    there = [path for path in logs if path.is_file()]
    if not there:
        return ()
    return tuple(_tail(max(there, key=lambda path: path.stat().st_mtime_ns)).splitlines()[-LOG_LINES:])


def _key(failure: Failure) -> tuple[str, str]:
    return failure.cause, even_out(failure.message)


def _group(members: list[Failure], folder: RunFolder, labels: tuple[str, ...]) -> FailureGroup:
    last = max(members, key=lambda failure: failure.failed_at)
    cause, pattern = _key(last)
    return FailureGroup(
        cause=cause,
        pattern=pattern,
        shards=len(members),
        first_shards=tuple(failure.shard for failure in members[:FIRST_SHARDS]),
        shard=last.shard,
        message=last.message,
        worker=last.worker,
        failed_at=last.failed_at,
        log_lines=last_log_lines(folder, labels, last.worker),
    )


def _tail(path: Path) -> str:
    with path.open("rb") as log:
        log.seek(-min(LOG_TAIL_BYTES, log.seek(0, os.SEEK_END)), os.SEEK_END)
        return log.read().decode(errors="replace")

"""Who is at work in a run folder, as far as its files and this host's processes tell."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from tasks.core.base.processes import is_gone
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_sign import STALE_SECONDS, holder_of, holding_process, silent_seconds
from tasks.core.runs.status.job_endings import read_endings
from tasks.core.runs.status.markers import Failure, Running

Marker = TypeVar("Marker", Running, Failure)


@dataclass(frozen=True)
class RunningShard:
    """A shard that a worker began and did not finish."""

    shard: int
    worker: str
    """The worker is named by host and pid."""
    seconds: float
    """The worker began with the shard so long ago."""
    is_gone: bool
    """Its worker ran on this host and is no more, or its SLURM job is known to have ended."""
    slurm_job: str | None = None
    ending: str | None = None
    """The SLURM job ended in this way; None where it did not, or nothing is known."""


@dataclass(frozen=True)
class LaunchSign:
    """What the launch that holds the folder left as its last sign of life."""

    host: str
    pid: int
    started_at: str
    silent_seconds: float
    is_gone: bool
    """The launch is seen to be gone, or was silent for so long that another may take over."""


def read_markers(folder: Path, kind: type[Marker]) -> list[Marker]:
    """Read markers of a run that may be at work: one that vanishes meanwhile, or that is no marker, is left out."""
    markers = []
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            markers.append(TypeAdapter(kind).validate_json(path.read_bytes(), strict=True))
        except (FileNotFoundError, IsADirectoryError, ValueError):
            continue
    return markers


def read_running_shards(folder: RunFolder) -> list[RunningShard]:
    """Return who began which shard and when, and whether that worker is seen to be gone."""
    markers = read_markers(folder.running_folder, Running)
    endings = {ending.job: str(ending) for ending in read_endings(folder)}
    return [_running_shard(marker, endings) for marker in markers]


def read_launch(folder: RunFolder) -> LaunchSign | None:
    """Return the launch that holds the folder, or None when none does."""
    try:
        places = sorted(place for place in folder.launch_path.iterdir() if place.is_dir())
        silent = silent_seconds(places[0], folder.path) if places else 0.0
    except (FileNotFoundError, NotADirectoryError):
        return None
    holder = holder_of(places[0]) if places else {}
    process = holding_process(holder)
    if process is None:
        return None
    gone = silent >= STALE_SECONDS or is_gone(process, {ending.job for ending in read_endings(folder)})
    return LaunchSign(process.host, process.pid, str(holder["started_at"]), round(silent, 1), gone)


def _running_shard(marker: Running, endings: dict[str, str]) -> RunningShard:
    process, ending = marker.process, endings.get(marker.slurm_job or "")
    seconds = round(max(0.0, time.time() - marker.since), 1)
    gone = ending is not None if process is None else is_gone(process, endings)
    return RunningShard(marker.shard, marker.worker, seconds, gone, marker.slurm_job, ending)

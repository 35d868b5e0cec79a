"""What workers and launches leave in a run folder while they are at work, or when they end."""

import socket
import subprocess
import sys
import time
from dataclasses import asdict

from tasks.core.base.files import write_json
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.status.markers import Failure, Running

HOST = socket.gethostname()
HOLD = """
import sys, time
from pathlib import Path
from tasks.core.runs.launch_lock import launch_lock
with launch_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""
"""A launch that says `held` once it has the lock of the run folder in its argument, and does nothing else."""


def now(seconds_ago: float = 0) -> str:
    """Return the time as marks hold it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(time.time() - seconds_ago))


def begin(folder: RunFolder, shard: int, worker: str, seconds_ago: float = 60) -> None:
    """Mark a shard as begun by a worker."""
    write_json(folder.running_path(shard), asdict(Running(shard, worker, now(seconds_ago))))


def fail(
    folder: RunFolder, shard: int, message: str, cause: str = "OSError", worker: str = "far-7", seconds_ago: float = 10
) -> None:
    """Mark a shard as failed."""
    write_json(folder.failure_path(shard), asdict(Failure(shard, worker, now(seconds_ago), cause, message)))


def dead_pid() -> int:
    """Return the id of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid

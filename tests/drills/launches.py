"""Launches of flows as processes of their own, and what a drill does to them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.02


@dataclass
class Launch:
    """A flow process; its workers are its children."""

    process: subprocess.Popen
    log_path: Path

    @property
    def log(self) -> str:
        """What the flow and its workers printed until now."""
        return self.log_path.read_text(errors="replace")

    def workers(self) -> list[psutil.Process]:
        """Return the Dask worker processes that are alive, the ones just starting included."""
        try:
            children = psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []
        return [child for child in children if _is_worker(child)]

    def wait_until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until the condition holds; a launch that ends before it does fails the drill."""
        wait_for(
            condition,
            what,
            alive=lambda: self.process.poll() is None,
            progress=lambda: self.log_path.stat().st_size,
            told=lambda: self.log,
            pause_seconds=POLL_SECONDS,
        )

    def wait_for_end(self) -> int:
        """Wait until the flow process has ended, and return its status; one that stands still fails the drill."""
        wait_for(
            lambda: self.process.poll() is not None,
            "the flow ended",
            progress=lambda: self.log_path.stat().st_size,
            told=lambda: self.log,
        )
        return self.process.wait()

    def kill(self) -> None:
        """Kill the flow process as the kernel would, and reap it; its workers are left as orphans."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def require_finished(self) -> None:
        """Wait for a good end."""
        assert self.wait_for_end() == 0, self.log

    def require_failed(self, message: str) -> None:
        """Wait for an end in an error whose last lines hold the message."""
        assert self.wait_for_end() == 1, self.log
        assert message in last_error(self.log), self.log


@dataclass(frozen=True)
class Launcher:
    """Launches flows against the drills' servers."""

    environment: dict[str, str]
    folder: Path
    """For the logs."""
    launches: list[Launch] = field(default_factory=list)

    def start(self, flows: Sequence[tuple[str, dict[str, Any]]]) -> Launch:
        """Start a process that runs the flows one after another."""
        log_path = self.folder / f"launch-{time.time_ns()}.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.drills.start_flow", json.dumps(list(flows))],
                env={**os.environ, **self.environment},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.launches.append(Launch(process, log_path))
        return self.launches[-1]

    def kill_all(self) -> None:
        """Kill the launches that still run."""
        for launch in self.launches:
            if launch.process.poll() is None:
                launch.kill()


def last_error(log: str) -> str:
    """Return what Python printed last: the line of the exception that ended the process, and those after it."""
    lines = log.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback")]
    return "\n".join(line for line in lines[starts[-1] :] if not line.startswith(" ")) if starts else ""


def _is_worker(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and any("spawn_main" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False

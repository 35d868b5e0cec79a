"""Keeps a cluster's SLURM jobs at their number: what ended is said, with SLURM's reason, and submitted again.

Dask's `adapt` replaces a job only after its worker was seen and lost. A job that ends before its worker ever connects
(a broken node, a cancelled job in the queue, a submission that SLURM refused) would be missed for the whole run.

Remove when dask-jobqueue asks SLURM itself which jobs are there: https://github.com/dask/dask-jobqueue/issues/11 (open;
the same fault as here is told in 643), and replaces them. 0.9.0 does not; what would be left is why jobs ended.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from distributed import Status
from tornado.ioloop import PeriodicCallback

from infra.clusters.profiles import SlurmProfile
from infra.dask_workers.flow_run import run_logger
from infra.errors import ClusterError
from infra.slurm.commands import cancel, ending, is_stuck, job_reasons
from tasks.core.base.naming.run_names import JOB_ENDINGS_FILE

FAILED_STARTS_A_WORKER = 3
"""So many jobs in a row may end before their worker connects, for each worker."""
REFUSED_SECONDS = 600.0
"""SLURM may refuse every job for so long, as it does at a limit of jobs a user."""
LOG_LINES_SHOWN = 5
_given_up: list[str] = []
"""Each says why clusters of this process cannot be kept up; see `require_kept`."""


def require_kept() -> None:
    """Raise ClusterError when a cluster of this process was given up; its work would wait without end."""
    if _given_up:
        raise ClusterError(_given_up[0])


class JobKeeper:
    """Looks at a SLURMCluster's jobs every few seconds, in the cluster's own event loop."""

    def __init__(self, cluster: Any, profile: SlurmProfile, folder: Path) -> None:
        self._cluster = cluster
        self._profile = profile
        self._folder = folder
        self._logger = run_logger()
        self._failed_starts: Counter[str] = Counter()
        """In a row, by the worker's name."""
        self._seen: set[str] = set()
        """Names of workers that have connected."""
        self._last = ""
        self._refused_since: float | None = None
        self._ended = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep the jobs up while the block runs."""
        callback = PeriodicCallback(self.look, 1000 * self._profile.adapt_interval_seconds)
        self._cluster.loop.add_callback(callback.start)
        try:
            yield
        finally:
            self._ended = True
            self._cluster.loop.add_callback(callback.stop)
            for name, job in list(self._cluster.workers.items()):
                if job.job_id is None:
                    self._let_go(name)
            _given_up.clear()

    async def look(self) -> None:
        """Submit again what ended; SLURM's answers are awaited outside the event loop."""
        held = {name: job.job_id for name, job in self._cluster.workers.items()}
        try:
            reasons = await asyncio.to_thread(job_reasons)
        except ClusterError as error:
            self._logger.warning("SLURM did not say which jobs run; asked again in a moment: %s", error)
            return
        if self._ended:
            return
        alive = {number for number, reason in reasons.items() if not is_stuck(reason)}
        connected = {worker["name"] for worker in self._cluster.scheduler_info["workers"].values()}
        for name in connected:
            del self._failed_starts[name]
        self._seen |= connected
        has_jobs = bool(connected or alive.intersection(held.values()))
        self._note_refusals([name for name, number in held.items() if number is None], has_jobs)
        for name, number in held.items():
            if number is not None and number not in alive and name not in connected:
                await self._forget(name, number, number in reasons)
        failed = self._failed_starts
        if not connected and held and min(failed[name] for name in held) >= FAILED_STARTS_A_WORKER:
            _given_up.append(f"{failed.total()} SLURM jobs ended before their Dask worker connected. {self._last}")
        elif not _given_up:
            self._cluster.scale(jobs=self._profile.workers)

    def _note_refusals(self, names: list[str], has_jobs: bool) -> None:
        """Let go of jobs that SLURM did not take, to be submitted again; give up when it takes none for too long."""
        if has_jobs:
            self._refused_since = None
        if not names:
            return
        for name in names:
            self._let_go(name)
        self._logger.warning("SLURM refused %d of %d jobs; they are submitted again", len(names), self._profile.workers)
        self._refused_since = self._refused_since or time.monotonic()
        if not has_jobs and time.monotonic() - self._refused_since > REFUSED_SECONDS:
            _given_up.append(
                f"SLURM took none of {self._profile.workers} jobs for {REFUSED_SECONDS:.0f} s. `winnow slurm script` "
                "shows such a job, and `sbatch` says why; often it is a limit on jobs: lower the profile's workers."
            )

    async def _forget(self, name: str, number: str, is_there: bool) -> None:
        """Let go of a job that ended, or that never starts, so that the cluster submits another for its worker."""
        self._let_go(name)
        self._failed_starts[name] += name not in self._seen
        self._seen.discard(name)
        self._last = await asyncio.to_thread(self._describe, number)
        if is_there:
            await asyncio.to_thread(cancel, [number])
        self._logger.warning("%s; it is replaced", self._last)

    def _let_go(self, name: str) -> None:
        """Take a job out of the cluster, which would not close with one that it takes for starting or running."""
        job = self._cluster.workers.pop(name, None)
        if job is not None:
            job.status = Status.failed

    def _describe(self, number: str) -> str:
        """Say how a job ended, here and, for `winnow status`, in a line of the log folder's `jobs.jsonl`."""
        found = ending(number)
        line = {"job": number, "seen_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **found}
        # On a full disk jobs are replaced all the same.
        with suppress(OSError), (self._folder / JOB_ENDINGS_FILE).open("a", encoding="utf-8") as endings:
            endings.write(json.dumps(line) + "\n")
        how = " ".join(f"{key}={value}" for key, value in found.items()) or "SLURM knows no more of it"
        return f"SLURM job {number} ended: {how}{self._log_end(number)}"

    def _log_end(self, number: str) -> str:
        """Return the end of what the job wrote to standard error."""
        for path in self._folder.glob(f"*-{number}.err"):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
            return f"; {path} ends: " + " | ".join(lines)
        return ""

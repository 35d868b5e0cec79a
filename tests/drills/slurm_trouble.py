"""What happens to jobs, nodes and servers of a run on SLURM, done on purpose."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from infra.local_slurm.client import run
from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import LocalSlurm
from infra.local_slurm.processes import job_processes
from infra.services.process import start, stop, wait_healthy
from infra.services.settings import ServiceSettings
from infra.services.stack import services
from tests.drills.launches import Launch
from tests.support.slurm_jobs import run_out_of_time, wait_for_job
from tests.support.slurm_nodes import drain, kill_node, resume, start_node

BRIEF = {"walltime_minutes": 2, "retire_before_minutes": 1.7, "retire_spread_minutes": 0.05}
"""A profile's values with which a worker retires after about 18 s."""
BRIEF_SECONDS = 22
"""After which it surely does."""
ENDED = ("COMPLETING", "TIMEOUT", "CANCELLED", "COMPLETED", "FAILED", "NODE_FAIL", "PENDING")
"""States of a job that no longer runs."""


@dataclass
class Trouble:
    """Makes trouble for a run that goes on; what it did stands in `done`."""

    slurm: LocalSlurm
    settings: ServiceSettings
    draw: random.Random
    relaunch: Callable[[], Launch]
    launch: Launch
    done: list[str] = field(default_factory=list)
    broken: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What has to be mended when the drill ends, by what is broken."""

    def job(self) -> tuple[str, str] | None:
        """Draw one of the jobs that run, and return its number and node; None when none does."""
        jobs = self.running_jobs()
        return self.draw.choice(jobs) if jobs else None

    def running_jobs(self) -> list[tuple[str, str]]:
        """Return number and node of each job that runs."""
        lines = run(self.slurm, "squeue", "--noheader", "--states", "RUNNING", "--format", "%i %N").splitlines()
        return [(number, node) for number, node in map(str.split, lines)]

    def cancel(self, number: str, _node: str) -> None:
        """The job is cancelled."""
        run(self.slurm, "scancel", number)

    def requeue(self, number: str, _node: str) -> None:
        """The job is put back into the queue."""
        run(self.slurm, "scontrol", "requeue", number)

    def time_out(self, number: str, _node: str) -> None:
        """The job's time limit is reached, while the others stand still: the run is not over before SLURM looks."""
        with self.suspended(but=number):
            run_out_of_time(self.slurm, number)
            wait_for_job(self.slurm, number, *ENDED)

    def kill_processes(self, _number: str, node: str) -> None:
        """The job's processes die, as they do when the kernel runs out of memory."""
        for process in job_processes(self.slurm, node):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue

    def lose_node(self, _number: str, node: str) -> None:
        """The node's power fails."""
        kill_node(self.slurm, node)
        self.broken[node] = lambda: start_node(self.slurm, node)

    def drain(self, _number: str, node: str) -> None:
        """The node takes no more jobs; its own run on."""
        drain(self.slurm, node)
        self.broken[node] = lambda: resume(self.slurm, node)

    def kill_flow(self, _number: str, _node: str) -> None:
        """The flow process is killed, and the flow run again."""
        self.launch.kill()
        self.launch = self.relaunch()

    def restart_prefect(self, _number: str, _node: str) -> None:
        """Prefect's server goes, and comes back."""
        self._restart("prefect-server")

    def restart_mlflow(self, _number: str, _node: str) -> None:
        """MLflow's server goes, and comes back."""
        self._restart("mlflow-server")

    KINDS = (
        "cancel", "requeue", "time_out", "kill_processes", "lose_node", "drain", "kill_flow", "restart_prefect",
        "restart_mlflow",
    )  # fmt: skip

    def make(self, kind: str) -> bool:
        """Make trouble of a kind for a job that runs; return whether there was one, still there when trouble came."""
        victim = self.job()
        if victim is None:
            return False
        try:
            getattr(self, kind)(*victim)
        except SlurmError:
            if victim in self.running_jobs():
                raise
            return False
        self.done.append(f"{kind} job {victim[0]} on {victim[1]}")
        return True

    def mend(self) -> None:
        """Bring nodes and servers back."""
        for what in list(self.broken):
            self.broken.pop(what)()

    @contextmanager
    def suspended(self, but: str = "") -> Iterator[None]:
        """Have the jobs that run, but one, stand still: their clocks go on, their work does not."""
        numbers = [number for number, _ in self.running_jobs() if number != but]
        self._control("suspend", numbers)
        try:
            yield
        finally:
            self._control("resume", numbers)

    def _control(self, command: str, numbers: list[str]) -> None:
        for number in numbers:
            with suppress(SlurmError):  # it has ended by now
                run(self.slurm, "scontrol", command, number)

    def _restart(self, name: str) -> None:
        service = next(service for service in services(self.settings) if service.name == name)
        assert stop(service)
        time.sleep(self.draw.uniform(0, 3))  # so long it is down
        start(service)
        wait_healthy(service)

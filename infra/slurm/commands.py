"""SLURM's own commands: which jobs are ours, how one ended, and an end to those that were left over."""

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from infra.errors import ClusterError
from tasks.core.base.processes import ProcessIdentity, from_words, is_gone, this_process

COMMENT = "winnow"
SECONDS = 60
"""A SLURM command may take so long, for a busy controller answers late."""
ENDED = {
    "COMPLETED",
    "CANCELLED",
    "FAILED",
    "TIMEOUT",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "BOOT_FAIL",
    "DEADLINE",
}
_HELD = re.compile(r"JobHeldAdmin|JobHoldMaxRequeue|requeued[ _](in[ _])?held")
FIELDS = ("JobState", "Reason", "ExitCode", "NodeList", "RunTime", "TimeLimit")


@dataclass(frozen=True)
class Owner:
    """The flow process that SLURM jobs work for; stands in their comment."""

    name: str
    """The work is called so: a study, a trial or a run."""
    process: ProcessIdentity
    """The jobs were submitted by this process."""

    @property
    def comment(self) -> str:
        """What its jobs carry."""
        process = self.process
        return "/".join((COMMENT, self.name, process.host, str(process.pid), str(process.start)))


@dataclass(frozen=True)
class Job:
    """A SLURM job that waits or runs."""

    number: str
    state: str
    reason: str
    owner: Owner


def this_owner(name: str) -> Owner:
    """Return the owner of jobs that this process submits for the work of that name."""
    return Owner(name, this_process())


def run_slurm(*command: str) -> str:
    """Run a SLURM command and return what it prints.

    Raises:
        ClusterError: there is no such command here, it failed, or it gave no answer within a minute.
    """
    try:
        done = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except FileNotFoundError:
        raise ClusterError(
            f"there is no '{command[0]}' on PATH: flows with a SLURM profile run where SLURM's commands are, such as a "
            "login node"
        ) from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"`{' '.join(command)}` gave no answer within {SECONDS} s") from None
    if done.returncode:
        raise ClusterError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Return this process's variables without those by which a person has jobs left out, or asked for otherwise."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SQUEUE_", "SBATCH_"))}


def job_reasons() -> dict[str, str]:
    """Return state and reason of this user's jobs that have not ended, whatever a site made of their comments."""
    lines = run_slurm("squeue", "--me", "--noheader", "--format", "%i|%T %r").splitlines()
    return dict(line.split("|", 1) for line in lines if "|" in line)


def is_stuck(reason: str) -> bool:
    """Say whether a job of that state and reason never starts by itself, as when a node failed to launch it."""
    state, _, why = reason.partition(" ")
    return state == "SPECIAL_EXIT" or (state == "PENDING" and bool(_HELD.search(why)))


def our_jobs() -> list[Job]:
    """Return this user's jobs that Winnow submitted and that have not ended."""
    lines = run_slurm("squeue", "--me", "--noheader", "--format", "%i|%T|%r|%k").splitlines()
    return [job for line in lines if (job := _parse(line)) is not None]


def _parse(line: str) -> Job | None:
    """Return a line's job, or None for a job of somebody else's, or a line of another kind."""
    number, state, reason, comment = (line.split("|", 3) + [""] * 3)[:4]
    parts = comment.strip().split("/")
    process = from_words(*parts[2:]) if len(parts) == 5 and parts[0] == COMMENT else None
    return None if process is None else Job(number, state, reason, Owner(parts[1], process))


def cancel_left_over(owner: Owner, exclusive: bool) -> list[str]:
    """Cancel jobs whose flow process is gone, and return their numbers.

    With `exclusive`, also jobs of another process for the same work: it must have been on another host, and dead.
    """
    return cancel(
        job.number
        for job in our_jobs()
        if is_gone(job.owner.process) or (exclusive and job.owner.name == owner.name and job.owner != owner)
    )


def cancel_all(owner: Owner) -> list[str]:
    """Cancel the owner's jobs, and return their numbers."""
    return cancel(job.number for job in our_jobs() if job.owner == owner)


def cancel(numbers: Iterable[str]) -> list[str]:
    """Cancel jobs; those that have ended meanwhile are no error."""
    cancelled = list(numbers)
    if cancelled:
        run_slurm("scancel", "--quiet", *cancelled)
    return cancelled


def ending(number: str) -> dict[str, str]:
    """Return what SLURM still knows of a job: state, reason, exit code, nodes, run time and limit; maybe nothing."""
    try:
        words = run_slurm("scontrol", "show", "job", "--oneliner", number).split()
    except ClusterError:
        return {}
    pairs = (word.split("=", 1) for word in words if "=" in word)
    return {name: value for name, value in pairs if name in FIELDS}

"""Jobs of a local SLURM: what it says of them, how they ended, and an end by the time limit."""

import re

from infra.local_slurm.client import run
from infra.local_slurm.local import LocalSlurm
from infra.slurm.commands import is_stuck
from tests.support.slurm_waiting import wait_on

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE"}
"""A job in such a state stays in it; one of a lost node may run again."""
_FIELD = re.compile(r"([\w/:]+)=(.*?)(?= [\w/:]+=|\s*$)")


def show_job(cluster: LocalSlurm, number: str) -> dict[str, str]:
    """Return the fields of `scontrol show job`, such as JobState, Reason, ExitCode, Restarts and NodeList.

    Raises:
        SlurmError: there is no such job; SLURM forgets one 5 to 6 minutes after its end.
    """
    return _fields(run(cluster, "scontrol", "show", "job", "--oneliner", number))


def wait_for_job(cluster: LocalSlurm, number: str, *states: str) -> dict[str, str]:
    """Wait until a job is in one of the states, such as RUNNING, and return its fields.

    Raises:
        AssertionError: it ended otherwise, is held so that it never starts, or the controller ended.
    """

    def look() -> dict[str, str] | None:
        job = show_job(cluster, number)
        return job if job["JobState"] in states else None

    def may_still() -> bool:
        job = show_job(cluster, number)
        return job["JobState"] not in ENDED and not is_stuck(f"{job['JobState']} {job['Reason']}")

    return wait_on(cluster, look, f"job {number} was {' or '.join(states)}", may_still) or {}


def run_out_of_time(cluster: LocalSlurm, number: str) -> None:
    """Let a running job's time limit be reached: it ends as TIMEOUT when SLURM next looks, which it does every 30 s.

    Limits are whole minutes, so that a job submitted with the shortest one takes 60 to 95 s.

    Raises:
        SlurmError: the job does not run.
    """
    run(cluster, "scontrol", "update", f"JobId={number}", "EndTime=now+1")


def read_endings(cluster: LocalSlurm) -> list[dict[str, str]]:
    """Return every ending in the order in which they came, with JobId, Name, JobState, ExitCode, NodeList and times.

    A job that ran again has a line for each of its runs: PENDING where it was requeued by hand, NODE_FAIL where its
    node was lost. The ExitCode of a cancelled or lost job is 0:0 here. There is no Reason: for that see `show_job`.
    """
    if not cluster.completions.exists():
        return []
    return [_fields(line) for line in cluster.completions.read_text().splitlines()]


def _fields(line: str) -> dict[str, str]:
    return dict(_FIELD.findall(line))

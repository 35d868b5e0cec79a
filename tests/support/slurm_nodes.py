"""What happens to nodes: they fail, come back, and are taken out of use."""

import psutil

from infra.local_slurm.client import run
from infra.local_slurm.control import start_daemon
from infra.local_slurm.daemons import node, node_states
from infra.local_slurm.local import LocalSlurm
from infra.local_slurm.processes import kill_jobs
from infra.services.process import running_process
from tests.support.slurm_waiting import wait_on


def kill_node(cluster: LocalSlurm, name: str) -> int:
    """Let a node die as if its power failed: its slurmd and its jobs' processes are killed; return how many.

    SLURM notices after `SlurmdTimeout`, 10 s, at its next look: see `wait_for_state`.

    Raises:
        SlurmError: there is no such node, or a process does not end.
    """
    daemon = running_process(node(cluster, name))
    if daemon is not None:
        daemon.kill()
        psutil.wait_procs([daemon])
    return kill_jobs(cluster, name) + (daemon is not None)


def start_node(cluster: LocalSlurm, name: str) -> None:
    """Start a node's slurmd unless it runs, and wait until it is in contact with the controller.

    Raises:
        SlurmError: there is no such node, or its port is taken.
        ServiceError: slurmd ended; the message holds the end of its log.
    """
    start_daemon(node(cluster, name))


def drain(cluster: LocalSlurm, name: str, reason: str = "drained for a drill") -> None:
    """Let a node finish its jobs and take no others.

    Raises:
        SlurmError: there is no such node, or the controller refuses.
    """
    _update(cluster, name, "State=DRAIN", f"Reason={reason}")


def resume(cluster: LocalSlurm, name: str) -> None:
    """Use a drained node again.

    Raises:
        SlurmError: there is no such node, or it is not drained.
    """
    _update(cluster, name, "State=RESUME")


def fail_node(cluster: LocalSlurm, name: str, reason: str = "failed for a drill") -> None:
    """Have the controller take a node for failed at once, with its jobs; it comes back when its slurmd next reports.

    Raises:
        SlurmError: there is no such node, or the controller refuses.
    """
    _update(cluster, name, "State=DOWN", f"Reason={reason}")


def wait_for_state(cluster: LocalSlurm, name: str, *states: str) -> str:
    """Wait until a node is in one of the states, and return it."""

    def look() -> str | None:
        state = node_states(cluster)[name]
        return state if state in states else None

    return wait_on(cluster, look, f"{name} was {' or '.join(states)}") or ""


def _update(cluster: LocalSlurm, name: str, *changes: str) -> None:
    node(cluster, name)
    run(cluster, "scontrol", "update", f"NodeName={name}", *changes)

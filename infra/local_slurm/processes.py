"""Processes of a cluster's jobs, found without their names: by the sockets of its nodes, and by their environment."""

import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import LocalSlurm
from tasks.core.base.process_handles import is_alive

GONE_SECONDS = 20
STEP_DAEMON = "slurmstepd"
"""This daemon looks after a job on its node; it outlives slurmd, and its environment is overwritten by its title."""


def job_processes(cluster: LocalSlurm, node: str | None = None) -> list[psutil.Process]:
    """Return the processes of the cluster's jobs, SLURM's own for them included; of one node, or of all."""
    nodes = [node] if node else list(cluster.node_ports)
    found = {process for process in psutil.process_iter() if _belongs(process, cluster, nodes)}
    return list(found | {child for process in found for child in _children(process)})


def kill_jobs(cluster: LocalSlurm, node: str | None = None) -> int:
    """Kill the processes of the cluster's jobs on a node, or on all, whose slurmd is stopped; return how many.

    Raises:
        SlurmError: some do not go, such as those in a system call that does not end.
    """
    killed = set()
    deadline = time.monotonic() + GONE_SECONDS
    # Once more after each kill: a job may have started another process meanwhile.
    while found := job_processes(cluster, node):
        if time.monotonic() > deadline:
            raise SlurmError(f"processes {[process.pid for process in found]} of SLURM jobs do not end; see `ps`")
        # All stand still before the first dies, as when power fails: a shell would write that its child was killed, and
        # SLURM's own, which come first, would report the others' deaths as ordinary endings.
        found.sort(key=_is_step_daemon, reverse=True)
        for strike in (psutil.Process.suspend, psutil.Process.kill):
            for process in found:
                with suppress(psutil.NoSuchProcess):
                    strike(process)
        psutil.wait_procs(found, timeout=1)
        killed |= set(found)
    return len(killed)


def _belongs(process: psutil.Process, cluster: LocalSlurm, nodes: list[str]) -> bool:
    try:
        if not is_alive(process):
            return False
        environment = process.environ()
        here = environment.get("SLURM_CONF") == str(cluster.configuration)
        # A shell with only SLURM_CONF, or a daemon, is not a job's process.
        if here and environment.get("SLURMD_NODENAME") in nodes:
            return str(process.name()) != "slurmd"
        return process.name() == STEP_DAEMON and any(_is_below(path, cluster, nodes) for path in _sockets(process))
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return False  # another user's, or gone


def _is_step_daemon(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.name() == STEP_DAEMON)
    return False


def _sockets(process: psutil.Process) -> Iterator[str]:
    return (str(entry.laddr) for entry in process.net_connections("unix") if entry.laddr)


def _is_below(path: str, cluster: LocalSlurm, nodes: list[str]) -> bool:
    return any(path.startswith(f"{cluster.spool(node)}/") for node in nodes)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []

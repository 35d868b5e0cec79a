"""Starts and stops a local SLURM."""

import time
from contextlib import suppress
from pathlib import Path

from infra.local_slurm.client import run
from infra.local_slurm.configuration import write_configuration
from infra.local_slurm.daemons import daemons
from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import PARTITION, LocalSlurm, read_cluster, write_cluster
from infra.local_slurm.memory import remove_cgroups
from infra.local_slurm.packages import ensure_packages
from infra.local_slurm.processes import kill_jobs
from infra.local_slurm.settings import SlurmSettings
from infra.services.ports import choose_ports, is_free
from infra.services.process import Service, running_process, start, stop, wait_healthy
from infra.services.settings import HOST

CANCEL_SECONDS = 10
"""Cancelled jobs have so long to end before they are killed."""


def up(settings: SlurmSettings) -> LocalSlurm:
    """Start what does not run of the cluster in the settings' folder, and wait until every node answers.

    A dead daemon of a running cluster is started at its old port, and jobs go on. A cluster of which nothing runs
    starts without jobs.

    Raises:
        SlurmError: the cluster runs with other settings, or a port of a dead daemon is taken by now.
        ServiceError: SLURM is not installed and cannot be, or a daemon ended; the message holds the end of its log.
    """
    ensure_packages()
    cluster = read_cluster(settings.folder)
    is_new = cluster is None or not any(running_process(daemon) for daemon in daemons(cluster))
    if cluster is None or is_new:
        cluster = _prepare(settings, cluster)
    if cluster.settings != settings:
        raise SlurmError(
            f"the SLURM in {settings.folder} runs with {_size(cluster.settings)}, not with {_size(settings)}; "
            "`winnow slurm down` first"
        )
    for daemon in daemons(cluster, forget_jobs=is_new):
        start_daemon(daemon)
    return cluster


def down(folder: Path) -> list[str]:
    """Stop the cluster in the folder with all its jobs, also when a part of it died; return what ran.

    Raises:
        SlurmError: a job's process does not end.
    """
    cluster = read_cluster(folder)
    if cluster is None:
        return []
    munged, controller, *nodes = daemons(cluster)
    if running_process(controller):
        _cancel_jobs(cluster)
    stopped = [daemon.name for daemon in (*nodes, controller) if stop(daemon)]
    if kill_jobs(cluster):
        stopped.append("jobs")
    remove_cgroups(cluster)
    return stopped + [daemon.name for daemon in (munged,) if stop(daemon)]


def start_daemon(daemon: Service) -> None:
    """Start a daemon unless it runs, and wait until it is healthy.

    Raises:
        SlurmError: its port is taken.
        ServiceError: it ended; the message holds the end of its log.
    """
    port = int(daemon.health_url.rsplit(":", 1)[1]) if daemon.health_url.startswith("tcp:") else None
    if port and not running_process(daemon) and not is_free(port):
        raise SlurmError(
            f"port {port} on {HOST} is held by another program by now, so {daemon.name} cannot use it. Stop that "
            "program, or `winnow slurm down` and `winnow slurm up`, which chooses other ports."
        )
    start(daemon)
    wait_healthy(daemon)


def _prepare(settings: SlurmSettings, last: LocalSlurm | None) -> LocalSlurm:
    count = settings.nodes + 1
    first = last.controller_port if last else None
    if last:
        kill_jobs(last)
    if first is None or not all(is_free(port) for port in range(first, first + count)):
        first = choose_ports(count)
    cluster = LocalSlurm(settings, first)
    write_configuration(cluster)
    write_cluster(cluster)
    return cluster


def _cancel_jobs(cluster: LocalSlurm) -> None:
    """Give jobs the chance to end by themselves, and the log of ended jobs its lines."""
    with suppress(SlurmError):  # a broken cluster's jobs are killed
        run(cluster, "scancel", f"--partition={PARTITION}")
        deadline = time.monotonic() + CANCEL_SECONDS
        while run(cluster, "squeue", "--noheader") and time.monotonic() < deadline:
            time.sleep(0.1)


def _size(settings: SlurmSettings) -> str:
    return (
        f"{settings.nodes} nodes of {settings.cpus} CPUs and {settings.memory_mib} MiB, "
        f"memory limits {settings.memory_limits}"
    )

"""Waiting for what a local SLURM does: for as long as its controller lives."""

from collections.abc import Callable

from infra.local_slurm.client import run
from infra.local_slurm.daemons import daemons
from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import LocalSlurm
from infra.services.process import running_process
from tests.support.waiting import Found, wait_for

LOG_LINES_SHOWN = 20


def wait_on(
    cluster: LocalSlurm,
    condition: Callable[[], Found],
    what: str = "SLURM did what is waited for",
    alive: Callable[[], object] = lambda: True,
) -> Found:
    """Wait until the condition returns something true, and return it; see `tests.support.waiting`."""
    controller = daemons(cluster)[1]
    return wait_for(
        condition, what, lambda: running_process(controller) and alive(), told=lambda: _what_stands(cluster)
    )


def wait_until_idle(cluster: LocalSlurm) -> None:
    """Wait until SLURM has no job left."""
    wait_on(cluster, lambda: not run(cluster, "squeue", "--noheader"), "no job was left")


def _what_stands(cluster: LocalSlurm) -> str:
    """Return jobs, nodes and the end of the controller's log."""
    log = (cluster.folder / "log" / "slurmctld.log").read_text(errors="replace").splitlines()
    try:
        shown = [run(cluster, "squeue", "--states=all"), run(cluster, "sinfo", "--Node")]
    except SlurmError as error:
        shown = [str(error)]
    return "\n".join([*shown, *log[-LOG_LINES_SHOWN:]])

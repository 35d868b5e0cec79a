"""Jobs of Dask clusters on the tests' SLURM."""

from collections.abc import Callable

from distributed import Client

from infra.clusters.profiles import SlurmProfile
from infra.errors import ClusterError
from infra.slurm.commands import our_jobs
from infra.slurm.job_keeper import require_kept
from tests.support.waiting import wait_for

SMALL = SlurmProfile(
    kind="slurm",
    workers=2,
    cpus=2,
    memory_gib=1,
    walltime_minutes=30,
    retire_before_minutes=5,
    retire_spread_minutes=1,
    interface="lo",
    adapt_interval_seconds=0.5,
)


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition returns something true; a cluster that is given up ends that."""
    wait_for(condition, what, alive=_is_kept)


def wait_for_workers(client: Client, count: int) -> None:
    """Wait until the cluster has so many workers."""
    wait_until(lambda: len(workers(client)) >= count, f"{count} workers had connected")


def workers(client: Client) -> dict[str, dict]:
    """Return what the scheduler says of each worker, by its address."""
    return client.scheduler_info(n_workers=-1)["workers"]


def numbers() -> set[str]:
    """Return the numbers of this user's jobs."""
    return {job.number for job in our_jobs()}


def _is_kept() -> bool:
    try:
        require_kept()
    except ClusterError:
        return False
    return True

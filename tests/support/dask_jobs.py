"""Jobs of Dask clusters on the tests' SLURM."""

import time
from collections.abc import Callable

from infra.clusters.profiles import SlurmProfile
from infra.slurm.commands import our_jobs

SECONDS = 90
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
    """Wait until the condition returns something true; say what did not happen when it never does."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {SECONDS} s"
        time.sleep(0.1)


def numbers() -> set[str]:
    """Return the numbers of this user's jobs."""
    return {job.number for job in our_jobs()}

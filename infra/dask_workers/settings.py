"""How Dask is set for long tasks whose results lie in files."""

import os
from typing import Any

ALLOWED_FAILURES = 5
"""So many workers may die under one Dask task before Dask gives it up."""
NO_WORKERS_TIMEOUT = "10 minutes"
LOST_WORKER_TIMEOUT = "365 days"
"""So long after a loss Dask closes a worker's place for good, also one whose process restarts just then, or whose SLURM
job waits. Here nannies and the keeper of SLURM jobs bring workers back."""
PASSED_ON = ("PREFECT_", "MLFLOW_", "WINNOW_", "DO_NOT_TRACK", "no_proxy", "NO_PROXY")
"""Workers need variables that begin so as the flow has them: where the servers are, and the passwords."""


def passed_on() -> dict[str, str]:
    """Return the flow's variables for its workers; a cluster may be set not to hand on any by itself."""
    return {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}


def dask_settings(threads: int, no_workers_timeout: str = NO_WORKERS_TIMEOUT) -> dict[str, Any]:
    """Return Dask's settings for workers whose libraries use `threads` threads.

    `no_workers_timeout` is how long work may wait for a first worker before it fails.
    """
    return {
        "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
        "distributed.scheduler.work-stealing": False,
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.worker.daemon": False,
        "distributed.nanny.pre-spawn-environ.OMP_NUM_THREADS": threads,
        # Dask's setting makes the allocator hand memory back at once; training took 1.25 times as long with it.
        "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
        "distributed.scheduler.no-workers-timeout": no_workers_timeout,
        "distributed.deploy.lost-worker-timeout": LOST_WORKER_TIMEOUT,
        "distributed.comm.timeouts.connect": "60 s",
        # Dask's profiler and ticks would wake a worker every 10 and 20 ms, which busy cores have to pay for.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "1 s",
        "distributed.worker.preload": ["infra.dask_workers.time_slices"],
        # A worker's pages of figures are for nobody: they know no password.
        "distributed.worker.http.routes": [],
    }

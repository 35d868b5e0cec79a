"""What a Dask worker in a SLURM job says of itself; in a module, so that workers can import it."""

import os

import dask

from infra.dask_workers.time_slices import thread_attributes


def where() -> dict[str, str | int | None]:
    """Return job, pid, and the variables that libraries go by."""
    return {
        "job": os.environ["SLURM_JOB_ID"],
        "pid": os.getpid(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "profiled": dask.config.get("distributed.worker.profile.enabled"),
        "tick": dask.config.get("distributed.admin.tick.interval"),
        "slice": thread_attributes().runtime,
        "malloc": os.environ.get("MALLOC_TRIM_THRESHOLD_"),
    }

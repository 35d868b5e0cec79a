"""How many threads this process may use."""

import os


def cpu_threads() -> int:
    """Return the threads granted to this process.

    The first that is set of OMP_NUM_THREADS (Dask sets it for its workers) and SLURM_CPUS_PER_TASK, else the CPUs that
    the kernel lets the process run on. Libraries left to themselves take every core of the node.
    """
    for variable in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
        value = os.environ.get(variable, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    return len(os.sched_getaffinity(0))

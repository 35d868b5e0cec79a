"""The jobs that SLURM has left."""

import time

from infra.local_slurm.client import run

SECONDS = 60


def wait_until_idle(slurm):
    """Wait until SLURM has no job left."""
    deadline = time.monotonic() + SECONDS
    while squeue(slurm):
        assert time.monotonic() < deadline, squeue(slurm)
        time.sleep(0.2)


def squeue(slurm):
    return run(slurm, "squeue", "--noheader").splitlines()

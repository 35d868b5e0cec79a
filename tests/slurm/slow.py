"""Work of a Dask worker in a SLURM job, in a module, so that workers can import it."""

import os
import time
from pathlib import Path


def work(begun: Path, seconds: float) -> str:
    """Take so long; each beginning leaves a line. Returns the SLURM job."""
    with begun.open("a") as lines:
        lines.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return os.environ["SLURM_JOB_ID"]


def work_until(begun: Path, enough: Path) -> str:
    """Work until there is a file; each beginning leaves a line. Returns the SLURM job."""
    job = work(begun, 0)
    while not enough.exists():
        time.sleep(0.1)
    return job

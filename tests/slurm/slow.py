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

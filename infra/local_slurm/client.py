"""SLURM's own commands, for one local cluster."""

import os
import subprocess

from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import LocalSlurm

SECONDS = 60
"""A command may take so long; SLURM's commands wait for a dead controller for about ten."""


def run(cluster: LocalSlurm, *command: str) -> str:
    """Run a SLURM command, such as `run(cluster, "squeue", "--noheader")`, and return what it prints.

    It runs in the cluster's folder: there lies the output of a job that was submitted without a place for it.

    Raises:
        SlurmError: it is not installed, it failed, or it did not end within a minute.
    """
    shown = f"SLURM_CONF={cluster.configuration} {' '.join(command)}"
    environment = {**os.environ, **cluster.environment}
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=cluster.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        if error.filename == str(cluster.folder):
            raise SlurmError(f"the SLURM of {cluster.folder} is gone with its folder") from None
        raise SlurmError(f"'{command[0]}' is not installed; `winnow slurm up` says how to get it") from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"`{shown}` did not end within {SECONDS} s; `winnow slurm status` says what runs") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise SlurmError(f"`{shown}` failed with code {done.returncode}: {said}. `winnow slurm status` says what runs.")
    return done.stdout

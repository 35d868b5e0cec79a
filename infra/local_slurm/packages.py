"""SLURM's programs: where they are, and how they get there."""

import os
import shutil

from infra.services import packages

PROGRAMS = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client"}
"""These programs are needed, and come from these packages of Debian."""
ADMIN_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Daemons lie here; on Debian these are not on the PATH of users other than root."""


def find_program(name: str) -> str | None:
    """Return the program's path, or None when it is not installed."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}{os.pathsep}{ADMIN_FOLDERS}")


def ensure_packages() -> None:
    """Install SLURM's and munge's Debian packages, those of them that are missing.

    Raises:
        ServiceError: something is missing and cannot be installed; the message says what to type.
    """
    missing = {program: package for program, package in PROGRAMS.items() if find_program(program) is None}
    if missing:
        packages.ensure_packages(missing)

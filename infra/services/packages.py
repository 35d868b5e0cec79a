"""Programs of the system: where they are, and, for tests and new machines, how they get there."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from infra.errors import ServiceError

ELSEWHERE = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
"""Debian and Red Hat keep PostgreSQL's server programs in these folders below the root, which are not on PATH."""
INSTALL_SECONDS = 300
LOCK = Path("/run/lock/winnow-packages")
PACKAGES = {
    "postgres": "postgresql",
    "initdb": "postgresql",
    "pg_isready": "postgresql",
    "redis-server": "redis-server",
}
"""The full stack needs these programs, and they come from these packages of Debian."""


def find_program(name: str) -> str:
    """Return the program's path.

    Raises:
        ServiceError: it is not installed; the message says which package has it.
    """
    found = _find(name)
    if found is None:
        package = PACKAGES.get(name, name)
        raise ServiceError(f"the program '{name}' is not installed; on Debian: sudo apt-get install {package}")
    return found


def ensure_packages(packages: dict[str, str]) -> None:
    """Install the Debian packages of those programs that are missing; `packages` maps programs to packages.

    Raises:
        ServiceError: a program is missing and cannot be installed: not root, no apt, or apt failed.
    """
    if not _missing(packages):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ServiceError(
            f"not installed, and only root on Debian can: apt-get install {' '.join(_missing(packages))}"
        )
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # apt refuses a second one at a time
        if missing := _missing(packages):
            _apt("update")
            _apt("install", "--yes", "--no-install-recommends", *missing)
    for program in packages:
        find_program(program)


def _missing(packages: dict[str, str]) -> list[str]:
    return sorted({package for program, package in packages.items() if _find(program) is None})


def _apt(*words: str) -> None:
    command = ["apt-get", "--quiet", *words]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ServiceError(f"`{' '.join(command)}` did not end within {INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        raise ServiceError(f"`{' '.join(command)}` failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _find(name: str) -> str | None:
    found = shutil.which(name)
    if found is not None:
        return found
    folders = [folder for pattern in ELSEWHERE for folder in Path("/").glob(pattern)]
    newest_first = sorted(folders, key=lambda folder: [int(part) for part in _version(folder)], reverse=True)
    return next((str(folder / name) for folder in newest_first if os.access(folder / name, os.X_OK)), None)


def _version(folder: Path) -> list[str]:
    digits = "".join(char if char.isdigit() else " " for char in folder.parent.name)
    return digits.split()

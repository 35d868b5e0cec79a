"""What a local SLURM is asked to be."""

import re
from dataclasses import dataclass
from pathlib import Path

from infra.local_slurm.errors import SlurmError

MAX_NODES = 64
MAX_CPUS = 256
MEMORY_STEP_MIB = 4096
MAX_FOLDER_LENGTH = 64
"""A job's socket lies below the folder, and the system's limit for a socket's path is 107 characters."""
MEMORY_LIMITS = ("polled", "cgroup")
_FIT_FOR_SLURM_CONF = re.compile(r"[A-Za-z0-9_./+@-]+")


@dataclass(frozen=True)
class SlurmSettings:
    """Size of a local SLURM, and the folder below which all of it lies.

    Raises:
        SlurmError: a value is not allowed; the message says which are.
    """

    folder: Path
    nodes: int = 4
    cpus: int = 2
    """Each node has so many CPUs, which SLURM shares out whatever the machine has."""
    memory_mib: int = 2 * MEMORY_STEP_MIB
    """Each node has so much memory, shared out like the CPUs."""
    memory_limits: str = "polled"
    """This says who ends a job above its memory: see `infra.local_slurm.memory`."""

    def __post_init__(self) -> None:
        self._require_folder()
        _require("--nodes", self.nodes, 1 <= self.nodes <= MAX_NODES, f"1 to {MAX_NODES}")
        _require("--cpus", self.cpus, 1 <= self.cpus <= MAX_CPUS, f"1 to {MAX_CPUS}, for each node")
        _require(
            "--memory-mib",
            self.memory_mib,
            self.memory_mib > 0 and self.memory_mib % MEMORY_STEP_MIB == 0,
            f"multiples of {MEMORY_STEP_MIB}, such as {2 * MEMORY_STEP_MIB}: 4000 would hold one job of 2 GiB, not two",
        )
        _require(
            "--memory-limits", self.memory_limits, self.memory_limits in MEMORY_LIMITS, " and ".join(MEMORY_LIMITS)
        )

    def _require_folder(self) -> None:
        path = str(self.folder)
        if not self.folder.is_absolute() or not _FIT_FOR_SLURM_CONF.fullmatch(path):
            raise SlurmError(
                f"SLURM's folder is '{path}'; it must be an absolute path of letters, digits and _ . / + @ -, because "
                "it stands in slurm.conf. Choose another with --folder."
            )
        if len(path) > MAX_FOLDER_LENGTH:
            raise SlurmError(
                f"SLURM's folder '{path}' has {len(path)} characters; allowed are {MAX_FOLDER_LENGTH}, because sockets "
                "lie below it. Choose a shorter one with --folder, such as /tmp/slurm."
            )


def _require(option: str, value: object, allowed: bool, what: str) -> None:
    if not allowed:
        raise SlurmError(f"{option} is {value}; allowed: {what}")

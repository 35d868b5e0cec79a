"""A local SLURM: its settings, its ports, and where its files lie."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local_slurm.errors import SlurmError
from infra.local_slurm.settings import SlurmSettings

PARTITION = "main"
_RECORD = "cluster.json"


@dataclass(frozen=True)
class LocalSlurm:
    """A local SLURM that was started at least once."""

    settings: SlurmSettings
    controller_port: int
    """The controller listens here, and the nodes' ports follow it."""

    @property
    def folder(self) -> Path:
        """All that belongs to the cluster."""
        return self.settings.folder

    @property
    def name(self) -> str:
        """SLURM's ClusterName; another folder gives another."""
        return f"winnow{hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]}"

    @property
    def node_ports(self) -> dict[str, int]:
        """Names of the nodes, and the ports that their slurmd listen at."""
        return {f"node{number}": self.controller_port + number for number in range(1, self.settings.nodes + 1)}

    @property
    def configuration(self) -> Path:
        """The slurm.conf."""
        return self.folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which SLURM's commands find this cluster."""
        return {"SLURM_CONF": str(self.configuration)}

    @property
    def munge_socket(self) -> Path:
        """Where this cluster's munged answers."""
        return self.folder / "munge" / "socket"

    @property
    def completions(self) -> Path:
        """Log of ended jobs, a line each."""
        return self.folder / "log" / "completions.txt"

    def spool(self, node: str) -> Path:
        """Return the folder of the node's slurmd; sockets of the jobs that run on the node lie in it."""
        return self.folder / "spool" / node


def read_cluster(folder: Path) -> LocalSlurm | None:
    """Return the cluster that was last started in the folder, or None when none was."""
    try:
        record = json.loads((folder / _RECORD).read_text())
    except FileNotFoundError:
        return None
    port = record.pop("controller_port")
    return LocalSlurm(SlurmSettings(**(record | {"folder": folder})), port)


def require_cluster(folder: Path) -> LocalSlurm:
    """Return the cluster that was last started in the folder.

    Raises:
        SlurmError: none was.
    """
    cluster = read_cluster(folder)
    if cluster is None:
        raise SlurmError(f"there is no SLURM in {folder}; `winnow slurm up` starts one")
    return cluster


def write_cluster(cluster: LocalSlurm) -> None:
    """Store what the cluster was started with."""
    cluster.folder.mkdir(parents=True, exist_ok=True)
    record = asdict(cluster.settings) | {"folder": str(cluster.folder), "controller_port": cluster.controller_port}
    (cluster.folder / _RECORD).write_text(json.dumps(record))

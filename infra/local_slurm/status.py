"""How a local SLURM is."""

from contextlib import suppress
from dataclasses import dataclass

from infra.local_slurm.daemons import daemons, node_states
from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import LocalSlurm
from infra.services.process import running_process


@dataclass(frozen=True)
class Status:
    """What runs, and in which state the nodes are."""

    daemons: dict[str, int | None]
    """Each daemon has its pid here, by name; None when it does not run."""
    nodes: dict[str, str]
    """Each node has the state that sinfo says; empty while the controller does not answer."""

    @property
    def is_up(self) -> bool:
        """Whether every daemon runs and the controller answers."""
        return None not in self.daemons.values() and bool(self.nodes)


def read_status(cluster: LocalSlurm) -> Status:
    """Say which daemons run and in which state the nodes are."""
    processes = {daemon.name: running_process(daemon) for daemon in daemons(cluster)}
    nodes = {}
    if processes["slurmctld"] and processes["munged"]:
        with suppress(SlurmError):  # said by an empty list
            nodes = node_states(cluster)
    return Status({name: process.pid if process else None for name, process in processes.items()}, nodes)

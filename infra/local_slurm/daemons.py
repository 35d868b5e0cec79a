"""The daemons of a local SLURM: how each is started, and how to tell that it is healthy."""

import socket
from collections.abc import Callable
from pathlib import Path

from infra.local_slurm.client import run
from infra.local_slurm.configuration import munge_key
from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import LocalSlurm
from infra.local_slurm.packages import PROGRAMS, find_program
from infra.services.process import Service
from infra.services.settings import HOST


def daemons(cluster: LocalSlurm, forget_jobs: bool = False) -> list[Service]:
    """Return the daemons in the order in which they start: munged, slurmctld, a slurmd for each node.

    With `forget_jobs` the controller starts without the jobs it knew when it last ran; their numbers go on.
    """
    return [_munged(cluster), _controller(cluster, forget_jobs), *(node(cluster, name) for name in cluster.node_ports)]


def node(cluster: LocalSlurm, name: str) -> Service:
    """Return a node's slurmd.

    Raises:
        SlurmError: there is no such node.
    """
    if name not in cluster.node_ports:
        raise SlurmError(f"there is no node '{name}'; this cluster has {', '.join(cluster.node_ports)}")
    return Service(
        name=name,
        command=[_path("slurmd"), "-D", "-N", name, "-f", str(cluster.configuration)],
        # The second marks processes of the node before they are known as a job's; see infra.local_slurm.processes.
        environment={**cluster.environment, "SLURMD_NODENAME": name},
        folder=_folder(cluster),
        health_url=f"tcp://{HOST}:{cluster.node_ports[name]}",
        probe=lambda: _holds(lambda: answers(node_states(cluster)[name])),
    )


def node_states(cluster: LocalSlurm) -> dict[str, str]:
    """Return the state of each node, as sinfo says it: idle, mixed, allocated, drained, `down*` and so on.

    Raises:
        SlurmError: the controller does not answer.
    """
    lines = run(cluster, "sinfo", "--Node", "--noheader", "--format", "%N %T").splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


def answers(state: str) -> bool:
    """Say whether a node in this state is in contact with the controller."""
    return not state.endswith("*") and not state.startswith("unk")


def _munged(cluster: LocalSlurm) -> Service:
    folder = cluster.munge_socket.parent
    return Service(
        name="munged",
        command=[
            _path("munged"),
            "--foreground",
            "--force",  # though others may write to a folder above, as to /tmp
            f"--socket={cluster.munge_socket}",
            f"--key-file={munge_key(cluster)}",
            f"--pid-file={folder / 'pid'}",
            f"--seed-file={folder / 'seed'}",
            f"--log-file={cluster.folder / 'log' / 'munged.log'}",
        ],
        environment={},
        folder=_folder(cluster),
        health_url=f"unix://localhost{cluster.munge_socket}",
        probe=lambda: _accepts(cluster.munge_socket),
    )


def _controller(cluster: LocalSlurm, forget_jobs: bool) -> Service:
    return Service(
        name="slurmctld",
        command=[
            _path("slurmctld"),
            "-D",
            *(["-c"] if forget_jobs else []),
            "-f",
            str(cluster.configuration),
        ],
        environment=cluster.environment,
        folder=_folder(cluster),
        health_url=f"tcp://{HOST}:{cluster.controller_port}",
        probe=lambda: _holds(lambda: "is UP" in run(cluster, "scontrol", "ping")),
    )


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except SlurmError:
        return False  # the controller does not answer yet


def _path(program: str) -> str:
    found = find_program(program)
    if found is None:
        raise SlurmError(f"'{program}' is not installed; on Debian: sudo apt-get install {PROGRAMS[program]}")
    return found


def _folder(cluster: LocalSlurm) -> Path:
    return cluster.folder / "daemons"


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0

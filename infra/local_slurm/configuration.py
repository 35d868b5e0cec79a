"""Files that a local SLURM is started from: slurm.conf, munge's key, folders."""

import os
import secrets
from pathlib import Path
from string import Template

from infra.local_slurm.local import PARTITION, LocalSlurm
from infra.local_slurm.memory import memory_settings

TEMPLATE = Path(__file__).with_name("slurm.conf.template")
KEY_BYTES = 128
_FOLDERS = ("daemons", "log", "munge", "pid", "spool", "state")


def write_configuration(cluster: LocalSlurm) -> None:
    """Make the folders, slurm.conf and a key of this cluster's own.

    Raises:
        SlurmError: memory limits by cgroups cannot be had on this machine.
    """
    for name in _FOLDERS:
        (cluster.folder / name).mkdir(parents=True, exist_ok=True)
    for node in cluster.node_ports:
        cluster.spool(node).mkdir(exist_ok=True)
    key = munge_key(cluster)
    if not key.exists():
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(KEY_BYTES))
    cluster.configuration.write_text(render(cluster))


def munge_key(cluster: LocalSlurm) -> Path:
    """Return where the cluster's secret lies, which only its user can read."""
    return cluster.folder / "munge" / "key"


def render(cluster: LocalSlurm) -> str:
    """Return the text of slurm.conf.

    Raises:
        SlurmError: memory limits by cgroups cannot be had on this machine.
    """
    settings = cluster.settings
    ports = cluster.node_ports.values()
    return Template(TEMPLATE.read_text()).substitute(
        name=cluster.name,
        controller_port=cluster.controller_port,
        user=os.geteuid(),
        folder=cluster.folder,
        munge_socket=cluster.munge_socket,
        completions=cluster.completions,
        memory_limits=memory_settings(cluster),
        memory_per_cpu=settings.memory_mib // settings.cpus,
        nodes=f"node[1-{settings.nodes}]",
        ports=f"[{min(ports)}-{max(ports)}]",
        cpus=settings.cpus,
        memory_mib=settings.memory_mib,
        partition=PARTITION,
    )

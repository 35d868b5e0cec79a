"""Who ends a job that takes more memory than it asked for.

`polled`: SLURM looks every second and kills the job; it ends as FAILED with signal 9, and its standard error says
"exceeded memory limit". Works everywhere. `cgroup`: the kernel kills the process and the job ends as OUT_OF_MEMORY, as
on most clusters. Needs root and version 1 of cgroups, and only one cluster at a time, because nodes of all clusters on
the machine share a cgroup if they share a name.
"""

import os
from contextlib import suppress
from pathlib import Path

from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import LocalSlurm

CGROUP_ROOT = Path("/sys/fs/cgroup")
POLLED = """\
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
# Seconds between two looks at the jobs' memory.
JobAcctGatherFrequency=task=1
# A job above its memory is killed; without it memory is only shared out.
JobAcctGatherParams=OverMemoryKill
"""
CGROUP = """\
TaskPlugin=task/cgroup
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
"""
CGROUP_CONF = f"""\
CgroupPlugin=cgroup/v1
CgroupMountpoint={CGROUP_ROOT}
ConstrainRAMSpace=yes
"""


def why_no_cgroups() -> str | None:
    """Return why memory limits cannot be cgroups' on this machine, or None when they can."""
    memory = CGROUP_ROOT / "memory"
    if not (memory / "memory.limit_in_bytes").exists():
        return f"this machine has no version 1 memory cgroup at {memory}"
    if os.geteuid() != 0 or not os.access(memory, os.W_OK):
        return f"{memory} cannot be written by this user"
    return None


def memory_settings(cluster: LocalSlurm) -> str:
    """Return the lines of slurm.conf; for cgroups also write the cgroup.conf beside it.

    Raises:
        SlurmError: cgroups were asked for, and this machine has none, or another cluster uses them.
    """
    if cluster.settings.memory_limits == "polled":
        return POLLED
    why = why_no_cgroups() or _why_held(cluster)
    if why:
        raise SlurmError(f"--memory-limits is cgroup, but {why}. Use polled, which works everywhere.")
    (cluster.folder / "cgroup.conf").write_text(CGROUP_CONF)
    return CGROUP


def remove_cgroups(cluster: LocalSlurm) -> None:
    """Remove the cgroups that the stopped nodes left behind; the kernel keeps those that are in use."""
    if cluster.settings.memory_limits != "cgroup":
        return
    for node in cluster.node_ports:
        top = CGROUP_ROOT / "memory" / f"slurm_{node}"
        for path in sorted([top, *top.rglob("*")], reverse=True):
            with suppress(OSError):  # a file, or in use by another cluster
                path.rmdir()


def _why_held(cluster: LocalSlurm) -> str | None:
    for node in cluster.node_ports:
        for members in (CGROUP_ROOT / "memory" / f"slurm_{node}").rglob("cgroup.procs"):
            if members.read_text().strip():
                return f"jobs of another cluster run in {members.parent}"
    return None

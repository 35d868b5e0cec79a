"""`winnow slurm`: a real SLURM on this machine for development and tests, and what profiles ask of any SLURM."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.terminal import say
from infra.clusters.profiles import read_profile
from infra.local_slurm import control
from infra.local_slurm.local import read_cluster, require_cluster
from infra.local_slurm.settings import SlurmSettings
from infra.local_slurm.status import read_status
from infra.services.settings import read_settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
FolderOption = Annotated[
    Path | None, typer.Option(help="where all of it lies; without it `slurm` below WINNOW_HOME. One cluster a folder")
]


@app.command()
def up(
    folder: FolderOption = None,
    nodes: Annotated[int | None, typer.Option(help="how many  [default: 4]")] = None,
    cpus: Annotated[int | None, typer.Option(help="of each node, whatever this machine has  [default: 2]")] = None,
    memory_mib: Annotated[int | None, typer.Option(help="of each node, a multiple of 4096  [default: 8192]")] = None,
    memory_limits: Annotated[
        str | None, typer.Option(help="polled: jobs end as FAILED; cgroup: as OUT_OF_MEMORY  [default: polled]")
    ] = None,
) -> None:
    """Start what does not run, installing SLURM first if needed. In a shell: eval "$(winnow slurm up)".

    Without options, a cluster that was started before has the size it had.
    """
    where = _folder(folder)
    last = read_cluster(where)
    asked: dict[str, Any] = {"nodes": nodes, "cpus": cpus, "memory_mib": memory_mib, "memory_limits": memory_limits}
    settings = replace(
        last.settings if last else SlurmSettings(where),
        **{name: value for name, value in asked.items() if value is not None},
    )
    cluster = control.up(settings)
    say(f"{settings.nodes} nodes of {settings.cpus} CPUs and {settings.memory_mib} MiB are up", err=True)
    say(f"export SLURM_CONF={cluster.configuration}")


@app.command()
def down(folder: FolderOption = None) -> None:
    """Stop it with all its jobs, by pid."""
    stopped = control.down(_folder(folder))
    say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status(folder: FolderOption = None) -> None:
    """Show daemons and nodes. Exits with 0 when every daemon runs."""
    cluster = require_cluster(_folder(folder))
    found = read_status(cluster)
    for name, pid in found.daemons.items():
        process = f"pid {pid}" if pid else "not running"
        say(f"{name:<10} {process:<12} {found.nodes.get(name, '')}".rstrip())
    say(f"slurm.conf {cluster.configuration}\nended jobs {cluster.completions}")
    raise typer.Exit(0 if found.is_up else 1)


@app.command()
def script(
    profile: Annotated[str, typer.Argument(help="a cluster profile's name, such as slurm-cpu, or its file")],
) -> None:
    """Print the job that a profile's workers are submitted as; nothing is submitted, and no SLURM is asked."""
    from infra.slurm.script import example_script  # noqa: PLC0415 - Dask is slow to import

    say(example_script(read_profile(profile)))


def _folder(folder: Path | None) -> Path:
    return (folder or read_settings().home / "slurm").resolve()

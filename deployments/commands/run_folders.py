"""`winnow status`, `rerun` and `verify`: run folders, for a terminal."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.environment import use
from deployments.terminal import say
from infra.services.settings import read_settings

RunFolderArgument = Annotated[
    Path, typer.Argument(help="a run folder, such as <output_path>/iter_0-main-<run id>-evaluation")
]


def register(app: typer.Typer) -> None:
    """Add the commands to `winnow`."""
    for command in (status, rerun, verify):
        app.command()(command)


def status(
    run_folder: RunFolderArgument,
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Say where a run stands, what failed and how to go on; reads files only.

    Exits with 0 when it is finished, or a dry run that planned it.
    """
    from deployments.commands.lost_jobs import ask_slurm  # noqa: PLC0415 - reads Parquet, which the other commands do not
    from deployments.commands.status import as_json, describe  # noqa: PLC0415
    from tasks.core.runs.status.read_status import read_status  # noqa: PLC0415

    found = ask_slurm(read_status(run_folder))
    say(as_json(found) if json else describe(found))
    raise typer.Exit(0 if found.is_finished or found.only_planned else 1)


def rerun(
    run_folder: RunFolderArgument,
    memory_gib: Annotated[float | None, typer.Option(help="of a SLURM job, unlike the last launch's")] = None,
    walltime_minutes: Annotated[int | None, typer.Option(help="of a SLURM job, unlike the last launch's")] = None,
    cluster: Annotated[str | None, typer.Option(help="another cluster profile than the last launch's")] = None,
) -> None:
    """Say which shards of a run failed and why, then start its flow again on exactly those that are left."""
    use(read_settings())
    from deployments.commands.lost_jobs import ask_slurm  # noqa: PLC0415
    from deployments.commands.rerun import rerun as start_again  # noqa: PLC0415 - Prefect reads its settings when imported
    from deployments.commands.status import describe  # noqa: PLC0415
    from tasks.core.runs.status.read_status import read_status  # noqa: PLC0415

    found = ask_slurm(read_status(run_folder))
    say(describe(found))
    changes = {"memory_gib": memory_gib, "walltime_minutes": walltime_minutes, "cluster": cluster}
    say(f"\nstarted flow run '{start_again(found, changes)}'")


def verify(
    run_folder: RunFolderArgument,
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Check every receipt, file and row of a run folder; reads files only. Exits with 0 when all is sound.

    A dry run has no scores, and so none that are sound.
    """
    from deployments.commands.verify import report  # noqa: PLC0415 - reads Parquet, which the other commands do not
    from tasks.core.runs.audit.verify import Verification  # noqa: PLC0415

    raise typer.Exit(0 if report(Verification(run_folder), say, json) else 1)

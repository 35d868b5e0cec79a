"""`winnow rounds start` and `winnow compare`: the rounds of several files side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.environment import use
from deployments.running.command import LEFT
from deployments.terminal import say
from infra.services.settings import read_settings
from tasks.core.base.naming.flow_run_names import ROUND_FLOW
from tasks.core.base.naming.round_names import MAIN_RUN, MAIN_SAMPLE

if TYPE_CHECKING:
    from tasks.core.round.model import Round

RoundsArgument = Annotated[
    list[str], typer.Argument(metavar="ROUND...", help="rounds' names, such as us-iter0, or their files")
]

app = typer.Typer(no_args_is_help=True, help="Work on the rounds of several files at once.")


@app.callback()
def _rounds() -> None:
    """Work on the rounds of several files at once."""


@app.command()
def start(
    rounds: RoundsArgument,
    flow: Annotated[str, typer.Option(help="start this flow of each round")] = ROUND_FLOW,
    watch: Annotated[bool, typer.Option("--watch", help="wait until all have ended, and compare them then")] = False,
) -> None:
    """Start a flow of several rounds side by side; where one is not deployed, none is started.

    With --watch it exits with 0 only when all end well.
    """
    settings = read_settings()
    use(settings)
    from deployments.running.follow import follow, is_well  # noqa: PLC0415 - Prefect reads its settings when imported
    from deployments.running.outcome import say_state  # noqa: PLC0415
    from deployments.running.screen import Screen  # noqa: PLC0415
    from deployments.running.start import start_rounds  # noqa: PLC0415

    started = start_rounds(flow, rounds)
    for one in started:
        say(f"{one.deployment}: started flow run '{one.run.name}'")
    say(f"Prefect UI {settings.prefect_ui}; when they have ended: winnow compare {' '.join(rounds)}")
    if watch:
        screen = Screen()
        ended = follow(started, screen)
        if ended is None:
            raise typer.Exit(LEFT)
        for run in ended:
            say_state(run, screen)
        compare(rounds)
        raise typer.Exit(0 if is_well(ended) else 1)


def compare(
    rounds: RoundsArgument,
    out: Annotated[
        Path | None, typer.Option(help="write into this folder  [default: below the first round's work_path]")
    ] = None,
    sample: Annotated[str, typer.Option(help="compare the runs of this sample")] = MAIN_SAMPLE,
    run_name: Annotated[str, typer.Option(help="compare the runs of this name")] = MAIN_RUN,
) -> None:
    """Set rounds beside each other, as a table and a picture: precision, expansion, labels, cost; reads files only."""
    use(read_settings())
    from tasks.core.report.side_by_side.compare_rounds import compare_rounds  # noqa: PLC0415 - draws, which others do not

    compared = compare_rounds(_read(rounds), out, run_name, sample)
    say(compared.table)
    say("\n" + "\n".join(map(str, compared.paths)))


def _read(rounds: Sequence[str]) -> list["Round"]:
    from deployments.commands.round_folders import find_round  # noqa: PLC0415 - reads round files

    return [find_round(name) for name in rounds]

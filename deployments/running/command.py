"""`winnow run`, for a terminal."""

from typing import Annotated

import typer

from deployments.environment import use
from infra.services.settings import read_settings

LEFT = 130
"""The command exits so when a person left the run to itself, as programs do after Ctrl-C."""


def run(
    flow: Annotated[str, typer.Argument(help="such as training, conversion, inference; or round, for all of them")],
    rounds: Annotated[
        list[str], typer.Argument(metavar="ROUND...", help="rounds' names, such as us-iter0, or their files")
    ],
    parameters: Annotated[
        list[str] | None, typer.Option("-p", "--param", metavar="KEY=VALUE", help="overrides a parameter of the flow")
    ] = None,
    traceback: Annotated[bool, typer.Option("--traceback", help="when it fails, print where in the code")] = False,
) -> None:
    """Start a flow of one or several rounds, say what happens until it ends, then the results and what to do next.

    Exits with 0 when all end well. Ctrl-C asks whether the run is left running or cancelled.
    """
    use(read_settings())
    from deployments.running.follow import follow, is_well  # noqa: PLC0415 - Prefect reads its settings when imported
    from deployments.running.outcome import conclude  # noqa: PLC0415
    from deployments.running.screen import Screen  # noqa: PLC0415
    from deployments.running.start import start_rounds  # noqa: PLC0415

    screen = Screen()
    ended = follow(start_rounds(flow, rounds, parameters or []), screen)
    if ended is None:
        raise typer.Exit(LEFT)
    for one in ended:
        conclude(one, screen, traceback)
    raise typer.Exit(0 if is_well(ended) else 1)


def register(app: typer.Typer) -> None:
    """Add the command to `winnow`."""
    app.command()(run)

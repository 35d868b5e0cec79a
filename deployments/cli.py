"""The `winnow` command."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.beginning.init import init
from deployments.commands import labels, prefect_profile, rounds, run_folders, services, slurm, sync
from deployments.commands.scores import published, top
from deployments.environment import use
from deployments.reachable import require_prefect
from deployments.running import command as running
from deployments.terminal import say
from infra.errors import InfrastructureError
from infra.services import stack
from infra.services.process import FOR_THE_OWNER
from infra.services.settings import read_settings
from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.round_names import MAIN_RUN, MAIN_SAMPLE

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


app.command()(init)
services.register(app)
prefect_profile.register(app)
running.register(app)
run_folders.register(app)
app.command()(sync.sync)
published.register(app)
app.command()(top.top)
app.command()(rounds.compare)
app.add_typer(slurm.app, name="slurm")
app.add_typer(labels.app, name="labels")
app.add_typer(rounds.app, name="rounds")


@app.command()
def deploy(
    round_files: Annotated[list[Path], typer.Argument(help="round files, such as deployments/rounds/us-iter0.yaml")],
    check: Annotated[bool, typer.Option(help="look first whether data, samples and base model can be used")] = True,
) -> None:
    """Check round files and what they read, and register their flows as deployments."""
    if check:
        from deployments.before_deploy import require_inputs  # noqa: PLC0415 - reads data, which other commands do not

        for note in require_inputs(round_files):
            say(f"note: {note}", err=True)
    use(read_settings())
    require_prefect(os.environ["PREFECT_API_URL"])
    from deployments.deploy import deploy_round  # noqa: PLC0415 - Prefect reads its settings when it is imported

    for round_file in round_files:
        for name in deploy_round(round_file):
            say(name)


@app.command()
def preview(
    round_file: Annotated[Path, typer.Argument(help="round file, such as deployments/rounds/us-iter0.yaml")],
    preprocessing: Annotated[str | None, typer.Option(help="another than the round file's")] = None,
    count: Annotated[int, typer.Option(min=1, help="how many texts to show")] = 10,
) -> None:
    """Show what a preprocessing does to texts of the round's sample; needs no server."""
    from deployments.commands.preview import describe  # noqa: PLC0415 - reads Parquet, which the other commands do not
    from deployments.commands.preview import preview as preview_round  # noqa: PLC0415
    from tasks.core.round.round_file import read_round  # noqa: PLC0415

    round_ = read_round(round_file)
    say(describe(preview_round(round_, preprocessing, count), round_))


@app.command("next")
def next_(
    round_file: Annotated[Path, typer.Argument(help="round file, such as deployments/rounds/us-iter0.yaml")],
    iteration: Annotated[str | None, typer.Option(help="the next one's name  [default: one more]")] = None,
    with_evaluation: Annotated[
        bool, typer.Option(help="train on the evaluation's labels, too; they judge no model afterwards")
    ] = False,
) -> None:
    """Write the next round's file: this round's, with the labels that were imported added to its data."""
    from deployments.commands.next_round import make_next  # noqa: PLC0415 - reads Parquet

    say("\n".join(make_next(round_file, iteration, with_evaluation)))


@app.command()
def predict(
    round_: Annotated[str, typer.Option("--round", help="a round's name, such as us-iter0, or its file")],
    label: Annotated[str, typer.Option(help="one of the round's labels")],
    text: Annotated[
        list[str] | None, typer.Option(help="a text to score; without it, standard input is read, a text a line")
    ] = None,
) -> None:
    """Print probability and logits of texts: of each --text, or of standard input's lines as they come."""
    use(read_settings())
    from deployments.commands.predict import (  # noqa: PLC0415 - Prefect reads its settings when it is imported
        open_predictor,
        read_lines,
        read_words,
    )

    predictor = open_predictor(round_, label)
    say(predictor.header)
    for texts in [read_words(text)] if text else read_lines(sys.stdin.fileno()):
        say("\n".join(predictor.lines(texts)))


@app.command()
def doctor(
    round_: Annotated[str, typer.Option("--round", help="a round's name, such as us-iter0, or its file")],
    wait_seconds: Annotated[int, typer.Option(min=1, help="that a job on a node may wait in the queue and run")] = 600,
) -> None:
    """Check that a round's flows will find what they need, here and on a node of each of their clusters."""
    use(read_settings())
    from deployments.commands.round_folders import find_round  # noqa: PLC0415 - reads round files

    found = find_round(round_)
    from deployments.doctor.report import report as report_checks  # noqa: PLC0415 - reads models and asks servers

    raise typer.Exit(0 if report_checks(found, wait_seconds, say) else 1)


@app.command()
def report(
    round_: Annotated[str, typer.Argument(metavar="ROUND", help="a round's name, such as us-iter0, or its file")],
    sample: Annotated[str, typer.Option(help="tell of the run of this sample")] = MAIN_SAMPLE,
    run_name: Annotated[str, typer.Option(help="tell of the run of this name")] = MAIN_RUN,
    open_: Annotated[bool, typer.Option("--open", help="open the page in a browser")] = False,
) -> None:
    """Write the page that tells of a round, and print where it lies; reads files only."""
    use(read_settings())
    from deployments.commands.round_folders import find_round  # noqa: PLC0415 - reads round files

    found = find_round(round_)
    from deployments.commands.report import open_page  # noqa: PLC0415
    from tasks.core.report.report_page import write_report  # noqa: PLC0415 - draws, which the other commands do not

    page = write_report(found, run_name, sample)
    say(page)
    if open_ and not open_page(page):
        say("no browser could be opened here; copy the file to where one is: it needs no other", err=True)


@app.command()
def demo() -> None:
    """Run the demo round: training, conversion and inference, through real deployments."""
    settings = read_settings()
    stack.prepare(settings)
    os.environ.update(settings.environment)
    from deployments.demo.run import run_demo  # noqa: PLC0415 - Prefect reads its settings when it is imported

    run_demo(settings)
    keep = "" if stack.is_up(settings) else "   (`make up` starts them again)"
    say(f"Prefect UI {settings.prefect_ui}, MLflow UI {settings.mlflow_ui}{keep}")


def main(command: Callable[[], Any] = app) -> None:
    """Run the command; an error that a person can act on is printed without a traceback.

    What it writes is for its owner alone.
    """
    os.umask(FOR_THE_OWNER)
    try:
        command()
    except (WinnowError, InfrastructureError) as error:
        say(f"winnow: {error}", err=True)
        sys.exit(1)
    except PermissionError as error:
        say(f"winnow: {error.filename} may not be read or written by you: {error.strerror}", err=True)
        sys.exit(1)

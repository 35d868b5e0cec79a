"""The `winnow` command."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.errors import InfrastructureError
from infra.services import stack
from infra.services.settings import ServiceSettings, read_settings
from tasks.core.errors import WinnowError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def up() -> None:
    """Start Prefect server, MLflow server and the worker, and keep them running."""
    settings = read_settings()
    stack.up(settings)
    typer.echo(f"Prefect UI  {settings.prefect_ui}")
    typer.echo(f"MLflow UI   {settings.mlflow_ui}")
    typer.echo(f"export PREFECT_API_URL={settings.prefect_ui}/api MLFLOW_TRACKING_URI={settings.mlflow_ui}")


@app.command()
def down() -> None:
    """Stop what `winnow up` started, by pid."""
    stopped = stack.down(read_settings())
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def deploy(
    round_files: Annotated[list[Path], typer.Argument(help="round files, such as deployments/rounds/us-iter0.yaml")],
) -> None:
    """Check round files and register their flows as deployments."""
    use(read_settings())
    from deployments.deploy import deploy_round  # noqa: PLC0415 - Prefect reads its settings when it is imported

    for round_file in round_files:
        for name in deploy_round(round_file):
            typer.echo(name)


@app.command()
def preview(
    round_file: Annotated[Path, typer.Argument(help="round file, such as deployments/rounds/us-iter0.yaml")],
    preprocessing: Annotated[str | None, typer.Option(help="another than the round file's")] = None,
    count: Annotated[int, typer.Option(min=1, help="how many texts to show")] = 10,
) -> None:
    """Show what a preprocessing does to texts of the round's sample; needs no server."""
    from deployments.preview import describe  # noqa: PLC0415 - reads Parquet, which the other commands do not
    from deployments.preview import preview as preview_round  # noqa: PLC0415
    from tasks.core.round_file import read_round  # noqa: PLC0415

    round_ = read_round(round_file)
    typer.echo(describe(preview_round(round_, preprocessing, count), round_))


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
    from deployments.predict import (  # noqa: PLC0415 - Prefect reads its settings when it is imported
        open_predictor,
        read_lines,
        read_words,
    )

    predictor = open_predictor(round_, label)
    typer.echo(predictor.header)
    for texts in [read_words(text)] if text else read_lines(sys.stdin.fileno()):
        typer.echo("\n".join(predictor.lines(texts)))


@app.command()
def status(
    run_folder: Annotated[
        Path, typer.Argument(help="a run folder, such as <output_path>/iter_0-main-<run id>-evaluation")
    ],
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Say where a run stands, what failed and how to go on; reads files only. Exits with 0 when it is finished."""
    from deployments.status import as_json, describe  # noqa: PLC0415 - reads Parquet, which the other commands do not
    from tasks.core.inference.status import read_status  # noqa: PLC0415

    found = read_status(run_folder)
    typer.echo(as_json(found) if json else describe(found))
    raise typer.Exit(0 if found.is_finished else 1)


@app.command()
def verify(
    run_folder: Annotated[
        Path, typer.Argument(help="a run folder, such as <output_path>/iter_0-main-<run id>-evaluation")
    ],
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Check every receipt, file and row of a run folder; reads files only. Exits with 0 when all is sound."""
    from deployments.verify import report  # noqa: PLC0415 - reads Parquet, which the other commands do not
    from tasks.core.inference.verify import Verification  # noqa: PLC0415

    raise typer.Exit(0 if report(Verification(run_folder), typer.echo, json) else 1)


@app.command()
def demo() -> None:
    """Run the demo round: training, conversion and inference, through real deployments."""
    settings = read_settings()
    os.environ.update(settings.environment)
    from deployments.demo.run import run_demo  # noqa: PLC0415 - Prefect reads its settings when it is imported

    run_demo(settings)
    keep = "" if stack.is_up(settings) else "   (`make up` starts them again)"
    typer.echo(f"Prefect UI {settings.prefect_ui}, MLflow UI {settings.mlflow_ui}{keep}")


def use(settings: ServiceSettings) -> None:
    """Point this process at the services, unless its environment already points elsewhere."""
    for name, value in settings.environment.items():
        os.environ.setdefault(name, value)


def main(command: Callable[[], Any] = app) -> None:
    """Run the command; an error that a person can act on is printed without a traceback."""
    try:
        command()
    except (WinnowError, InfrastructureError) as error:
        typer.echo(f"winnow: {error}", err=True)
        sys.exit(1)

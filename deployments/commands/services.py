"""`winnow up`, `down`, `migrate` and `units`: the services, for a terminal."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.terminal import say
from infra.services import stack as stacks
from infra.services.settings import ServiceSettings, read_settings
from infra.services.units import write_units

STACK_HELP = "embedded: SQLite; full: PostgreSQL and Redis"
StackOption = Annotated[
    str | None, typer.Option(help=f"{STACK_HELP}; without it the one that was up last, at first embedded")
]


def up(stack: StackOption = None) -> None:
    """Start Prefect server, MLflow server and the worker, and keep them running."""
    settings = read_settings(stack)
    stacks.up(settings)
    say(f"Prefect UI  {settings.prefect_ui}")
    say(f"MLflow UI   {settings.mlflow_ui}")
    say(_how_to_reach(settings))


def down() -> None:
    """Stop what `winnow up` started, by pid."""
    stopped = stacks.down(read_settings())
    say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def migrate() -> None:
    """Bring the databases to the installed Prefect's and MLflow's schemas; the services must be down. Back up first."""
    migrated = stacks.migrate(read_settings())
    say("\n".join(f"migrated {name}" for name in migrated) if migrated else "there are no databases yet")


def units(
    folder: Annotated[Path, typer.Argument(help="where the .service files go, such as ~/.config/systemd/user")],
    stack: StackOption = None,
) -> None:
    """Write units for `systemd --user`, which start the services at login or boot and restart them when they fail."""
    paths = write_units(read_settings(stack), folder)
    names = " ".join(path.name for path in paths)
    say("\n".join(map(str, paths)))
    say(f"winnow down; systemctl --user daemon-reload; systemctl --user enable --now {names}")
    say("So that they start at boot and outlive your sessions: loginctl enable-linger")


def register(app: typer.Typer) -> None:
    """Add the commands to the `winnow` command."""
    for command in (up, down, migrate, units):
        app.command()(command)


def _how_to_reach(settings: ServiceSettings) -> str:
    if settings.needs_passwords:
        return (
            f"Both ask for a password. In a shell: set -a; . {settings.home / stacks.CLIENT_FILE}; set +a\n"
            "They speak plain HTTP: keep them inside the cluster's own network, or put TLS in front."
        )
    return f"export PREFECT_API_URL={settings.prefect_ui}/api MLFLOW_TRACKING_URI={settings.mlflow_ui}"

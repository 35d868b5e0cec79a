"""`winnow up`, `down`, `migrate` and `units`: the services, for a terminal."""

import ipaddress
from pathlib import Path
from typing import Annotated

import typer

from deployments.terminal import say
from infra.services import stack as stacks
from infra.services.dotenv import point_folder
from infra.services.passwords import USER, read_secrets
from infra.services.settings import ServiceSettings, read_settings
from infra.services.units import write_units

STACK_HELP = "embedded: SQLite; full: PostgreSQL and Redis"
StackOption = Annotated[
    str | None, typer.Option(help=f"{STACK_HELP}; without it the one that was up last, at first embedded")
]


def up(
    stack: StackOption = None,
    passwords: Annotated[
        bool | None,
        typer.Option(help="off only where nobody else logs in; without the option as at the last start, at first on"),
    ] = None,
) -> None:
    """Start Prefect server, MLflow server and the worker, and keep them running."""
    settings = read_settings(stack, passwords)
    stacks.up(settings)
    folder = Path.cwd()
    is_pointed = point_folder(settings, folder)
    for line in _how_to_reach(settings, folder if is_pointed else None):
        say(line)


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


def _how_to_reach(settings: ServiceSettings, pointed: Path | None) -> list[str]:
    """Return lines that say where the services are and what gets one in; commands typed in `pointed` know it."""
    here = f"Typed in {pointed}, `prefect` finds them, and `mlflow --env-file .env ...`" if pointed else None
    if not settings.needs_passwords:
        addresses = f"export PREFECT_API_URL={settings.prefect_ui}/api MLFLOW_TRACKING_URI={settings.mlflow_ui}"
        return [
            f"Prefect UI  {settings.prefect_ui}",
            f"MLflow UI   {settings.mlflow_ui}",
            f"{here}; elsewhere: {addresses}" if here else addresses,
            "Passwords are off: every user of this machine can run commands as you.",
            "On again: winnow down, then winnow up --passwords",
        ]
    keys = read_secrets(settings.home)
    shell = f"set -a; . {settings.home / stacks.CLIENT_FILE}; set +a"
    lines = [
        f"Prefect UI  {settings.prefect_ui}   password {USER}:{keys.prefect}",
        f"MLflow UI   {settings.mlflow_ui}   user {USER}, password {keys.mlflow}",
        f"{here}; in a shell elsewhere: {shell}" if here else f"In a shell: {shell}",
    ]
    lines.append("For `prefect` in any folder, once: winnow prefect-profile --use")
    if not ipaddress.ip_address(settings.host).is_loopback:
        lines.append("They speak plain HTTP: keep them inside the cluster's own network, or put TLS in front.")
    return lines

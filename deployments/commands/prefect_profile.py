"""`winnow prefect-profile`: a profile of Prefect's, by which `prefect` finds the services in any folder."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.terminal import say
from infra.errors import ServiceError
from infra.services.settings import ServiceSettings, read_settings

NAME = "winnow"
PRIVATE = 0o600


def prefect_profile(
    name: Annotated[str, typer.Option(help="what the profile is called")] = NAME,
    use: Annotated[bool, typer.Option("--use", help="make it the active one; else the active one stays")] = False,
) -> None:
    """Let `prefect` find the services in any folder, by a profile that holds their address and password."""
    path, before = write_profile(read_settings(), name, use)
    say(f"{path} has the profile '{name}'")
    if use:
        say(f"it is active; to go back: prefect profile use {before}")
    else:
        say(f"to make it active: prefect profile use {name}; for one command: prefect --profile {name} deployment ls")


def write_profile(settings: ServiceSettings, name: str, use: bool) -> tuple[Path, str]:
    """Write the services into a profile of the person's; return the file, and which profile was active before.

    Raises:
        ServiceError: no service was ever started, or the profile is of another server.
    """
    from prefect.settings import (  # noqa: PLC0415 - takes seconds, which other commands do not
        PREFECT_API_AUTH_STRING,
        PREFECT_API_URL,
        get_current_settings,
        load_profiles,
        save_profiles,
    )

    known, path = settings.environment, get_current_settings().profiles_path
    profiles = load_profiles()
    address, password = known["PREFECT_API_URL"], known.get("PREFECT_API_AUTH_STRING")
    there = profiles[name].settings.get(PREFECT_API_URL, "none") if name in profiles.names else address
    if there != address:
        raise ServiceError(
            f"{path} has a profile '{name}' of another server, {there}, and it stays as it is. Give another name: "
            f"--name {name}-2; or delete it: prefect profile delete {name}"
        )
    before = str(profiles.active_name)
    profiles.update_profile(name, {PREFECT_API_URL: address, PREFECT_API_AUTH_STRING: password}, source=path)
    if use:
        profiles.set_active(name)
    if path.exists():
        path.chmod(PRIVATE)  # it holds a password now
    save_profiles(profiles)
    return path, before


def register(app: typer.Typer) -> None:
    """Add the command to `winnow`."""
    app.command("prefect-profile")(prefect_profile)

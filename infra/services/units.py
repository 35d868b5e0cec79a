"""Units for `systemd --user`: the same commands as `winnow up`, restarted when they fail."""

import os
import shlex
import socket
from pathlib import Path

from infra.errors import ServiceError
from infra.services.passwords import write_private
from infra.services.process import FOR_THE_OWNER, Service
from infra.services.settings import ServiceSettings
from infra.services.stack import services, write_record

AFTER = {
    "prefect-server": ("postgresql", "redis"),
    "mlflow-server": ("postgresql",),
    "prefect-worker": ("prefect-server",),
}
RESTART_SECONDS = 5


def write_units(settings: ServiceSettings, folder: Path) -> list[Path]:
    """Write a `.service` file per service; each reads its variables from a file of mode 0600 below the home.

    Raises:
        ServiceError: `winnow up` has not yet made what the services need: databases, passwords, configuration.
    """
    if not (settings.home / "mlflow").exists() or (
        settings.stack == "full" and not (settings.home / "postgresql" / "data").exists()
    ):
        raise ServiceError(
            f"{settings.home} has no databases of the {settings.stack} stack yet; first, once: "
            f"winnow up --stack {settings.stack} && winnow down"
        )
    folder.mkdir(parents=True, exist_ok=True)
    made = services(settings)
    names = {service.name for service in made}
    written = []
    for service in made:
        environment_file = service.folder / f"{service.name}.env"
        write_private(environment_file, _environment(service))
        after = [_unit_name(name) for name in AFTER.get(service.name, ()) if name in names]
        path = folder / _unit_name(service.name)
        path.write_text(_unit(service, environment_file, after))
        written.append(path)
    # So that `winnow deploy` and the others find the services that systemd starts.
    write_record(settings, socket.gethostname())
    return written


def _unit_name(service_name: str) -> str:
    return f"winnow-{service_name}.service"


def _unit(service: Service, environment_file: Path, after: list[str]) -> str:
    first = " ".join(after)
    lines = [
        "[Unit]",
        f"Description=Winnow: {service.name}",
        *([f"After={first}", f"Wants={first}"] if after else []),
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        f"EnvironmentFile={_escape(str(environment_file))}",
        f"WorkingDirectory={_escape(str(service.folder))}",
        f"ExecStart={' '.join(_quote(word) for word in service.command)}",
        f"KillSignal={service.stop_signal.name}",
        f"UMask={FOR_THE_OWNER:04o}",
        "Restart=on-failure",
        f"RestartSec={RESTART_SECONDS}",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _environment(service: Service) -> str:
    variables = {"PATH": os.environ.get("PATH", os.defpath)} | service.environment
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _escape(word: str) -> str:
    return word.replace("%", "%%")


def _quote(word: str) -> str:
    escaped = _escape(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'

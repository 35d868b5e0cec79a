"""Schemas of the databases: made by the first `winnow up`, changed by `winnow migrate` only."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from infra.errors import ServiceError
from infra.services import mlflow_server, postgres, prefect_server, redis_server
from infra.services.process import running_process, start, stop, wait_healthy
from infra.services.settings import ServiceSettings

VERSIONS_FILE = "migrated.json"


def installed_versions() -> dict[str, str]:
    """Return the versions of the packages that own the schemas."""
    return {name: version(name) for name in ("prefect", "mlflow")}


def are_new(settings: ServiceSettings) -> bool:
    """Say whether the full stack's databases have no schemas yet."""
    return not _versions_path(settings).exists()


def require_current(settings: ServiceSettings) -> None:
    """Refuse the full stack's databases if they have schemas of other versions.

    Raises:
        ServiceError: they have; the message says what to do.
    """
    if are_new(settings):
        return
    found = json.loads(_versions_path(settings).read_text())
    if found != installed_versions():
        raise ServiceError(
            f"the databases below {settings.home} have the schemas of {_said(found)}, but installed are "
            f"{_said(installed_versions())}. Stop the services with winnow down, back {settings.home} up, then: "
            "winnow migrate"
        )


def migrate(settings: ServiceSettings) -> list[str]:
    """Bring the schemas of every stack's databases below the home up to date; return their names.

    PostgreSQL is started for it, and stopped again. Nothing else may run: `stack.migrate` sees to that.

    Raises:
        ServiceError: a migration failed; the message holds the end of what it printed.
    """
    done = []
    (settings.home / "mlflow").mkdir(exist_ok=True)
    embedded, full = (replace(settings, stack=stack) for stack in ("embedded", "full"))
    if (settings.home / "prefect" / "prefect.db").exists() or (settings.home / "mlflow" / "mlflow.db").exists():
        _migrate_stack(embedded)
        done.append("SQLite: prefect, mlflow")
    if postgres.data_folder(full).exists():
        _migrate_postgres(full)
        done.append("PostgreSQL: prefect, mlflow")
    return done


def migrate_running(settings: ServiceSettings) -> None:
    """Migrate the full stack's databases while PostgreSQL runs, and record by which versions."""
    _migrate_stack(settings)
    path = _versions_path(settings)
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_text(json.dumps(installed_versions()))
    aside.replace(path)


def _migrate_postgres(settings: ServiceSettings) -> None:
    postgres.prepare(settings)
    redis_server.prepare(settings)
    service = postgres.postgres_service(settings, settings.home / "services")
    was_running = running_process(service) is not None
    start(service)
    try:
        wait_healthy(service)
        migrate_running(settings)
    finally:
        if not was_running:
            stop(service)


def _migrate_stack(settings: ServiceSettings) -> None:
    binaries = Path(sys.executable).parent
    prefect = prefect_server.server_environment(settings)
    _run([str(binaries / "prefect"), "server", "database", "upgrade", "-y"], settings, prefect)
    mlflow = mlflow_server.server_environment(settings)
    _run([str(binaries / "mlflow"), "db", "upgrade", mlflow_server.backend_url(settings)], settings, mlflow)


def _run(command: list[str], settings: ServiceSettings, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **settings.environment, **environment},
        cwd=settings.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServiceError(f"`{' '.join(command)}` failed; it printed last:\n{done.stdout[-2000:]}")


def _versions_path(settings: ServiceSettings) -> Path:
    return settings.home / "postgresql" / VERSIONS_FILE


def _said(versions: dict[str, str]) -> str:
    return " and ".join(f"{name} {number}" for name, number in versions.items())

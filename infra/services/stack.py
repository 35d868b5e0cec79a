"""The two stacks: embedded (SQLite) and full (PostgreSQL, Redis); both with Prefect, MLflow and a process worker."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

from infra.errors import ServiceError
from infra.services import databases, postgres, redis_server
from infra.services.mlflow_server import mlflow_service
from infra.services.passwords import close_folder, ensure_secrets, has_secrets, write_private
from infra.services.prefect_server import prefect_service, worker_service
from infra.services.process import Service, is_healthy, require_free, running_process, start, stop, wait_healthy
from infra.services.settings import RECORD_FILE, ServiceSettings, read_record
from infra.services.zombies import install_zombie_automation

CLIENT_FILE = "client.env"
"""It lies below the home, and holds what a shell needs to reach the services when they ask for passwords."""


def services(settings: ServiceSettings) -> list[Service]:
    """Return the stack's services in the order in which they start."""
    folder = settings.home / "services"
    servers = [
        prefect_service(settings, folder),
        mlflow_service(settings, folder),
        worker_service(settings, folder),
    ]
    if settings.stack == "embedded":
        return servers
    return [postgres.postgres_service(settings, folder), redis_server.redis_service(settings, folder), *servers]


def up(settings: ServiceSettings) -> None:
    """Start what does not run yet and wait until all is healthy.

    Raises:
        ServiceError: another stack is up, the home's services run on another machine, or a service did not start.
    """
    with _alone(settings):
        _require_same(settings)
        prepare(settings)
        for service in services(settings):
            require_free(service)  # before any starts: a stack that is half up would be left behind
        *stores, prefect_server, mlflow_server, worker = services(settings)
        write_record(settings, socket.gethostname())
        _start_all(stores)
        if stores and databases.are_new(settings):
            databases.migrate_running(settings)
        start(mlflow_server)
        _start_all([prefect_server])
        install_zombie_automation(settings)
        _start_all([worker, mlflow_server])


def down(settings: ServiceSettings) -> list[str]:
    """Stop whichever stack runs, the worker first; return the names of what was stopped.

    Raises:
        ServiceError: the home's services run on another machine.
    """
    with _alone(settings):
        recorded = _recorded(settings)
        stopped = [service.name for service in reversed(_known(recorded)) if stop(service)]
        if read_record(settings.home):
            write_record(recorded, None)
        return stopped


def is_up(settings: ServiceSettings) -> bool:
    """Say whether every service runs."""
    known = _known(settings)
    return bool(known) and all(running_process(service) for service in known)


def migrate(settings: ServiceSettings) -> list[str]:
    """Bring all databases below the home up to date; return their names.

    Raises:
        ServiceError: a service runs, here or on another machine, or a migration failed.
    """
    with _alone(settings):
        recorded = _recorded(settings)
        names = set(_running_names(recorded)) | {one.name for one in _known(recorded) if is_healthy(one)}
        if names:
            raise ServiceError(
                f"the databases are in use by {', '.join(sorted(names))}. Stop them (winnow down, or systemctl --user "
                f"stop 'winnow-*'), back {settings.home} up, then: winnow migrate"
            )
        return databases.migrate(settings)


def write_record(settings: ServiceSettings, machine: str | None) -> None:
    """Record what the stack is started with, so that other commands need no option, and the machine while it is up."""
    record = {name: value for name, value in asdict(settings).items() if name != "home"} | {"machine": machine}
    write_private(settings.home / RECORD_FILE, json.dumps(record, indent=1))


@contextmanager
def running(settings: ServiceSettings) -> Iterator[None]:
    """Have the stack up inside the block; what was not up before is stopped after it."""
    _require_here(settings)
    before, record = set(_running_names(settings)), settings.home / RECORD_FILE
    kept = record.read_text() if record.exists() else None
    try:
        up(settings)
        yield
    finally:
        for service in reversed(_known(settings)):
            if service.name not in before:
                stop(service)
        if not before:
            record.unlink(missing_ok=True)
            if kept is not None:
                write_private(record, kept)


def _start_all(started: list[Service]) -> None:
    for service in started:
        start(service)
    for service in started:
        wait_healthy(service)


def prepare(settings: ServiceSettings) -> None:
    """Make folders, passwords and configuration that are not there yet; the home is for its owner alone."""
    # PostgreSQL runs as another user in root's stead, and passes through the home to its own folder.
    lets_through = os.geteuid() == 0 and (settings.stack == "full" or postgres.data_folder(settings).exists())
    close_folder(settings.home, 0o711 if lets_through else 0o700)
    close_folder(settings.home / "mlflow")
    if settings.needs_passwords:
        ensure_secrets(settings.home)
        lines = [f"{name}='{value}'\n" for name, value in settings.environment.items()]
        write_private(settings.home / CLIENT_FILE, "".join(lines))
    if settings.stack == "full":
        postgres.prepare(settings)
        redis_server.prepare(settings)
        databases.require_current(settings)


def _require_same(settings: ServiceSettings) -> None:
    """Refuse to start beside a stack that was started otherwise; its record gives way when nothing of it runs."""
    recorded = _recorded(settings)
    if recorded == settings or not _running_names(recorded):
        return
    asked = asdict(settings)
    changed = [f"{name} {old}, not {asked[name]}" for name, old in asdict(recorded).items() if old != asked[name]]
    raise ServiceError(f"a stack is up already, with {'; '.join(changed)}. Stop it first: winnow down")


def _running_names(settings: ServiceSettings) -> list[str]:
    return [service.name for service in _known(settings) if running_process(service)]


def _known(settings: ServiceSettings) -> list[Service]:
    """Return the services, or none where their passwords were never made, for then none was ever started."""
    needs = settings.needs_passwords or settings.stack == "full"
    return [] if needs and not has_secrets(settings.home) else services(settings)


def _recorded(settings: ServiceSettings) -> ServiceSettings:
    """Return the settings that the stack below this home was started with, or the given ones."""
    record = read_record(settings.home)
    if record is None:
        return settings
    known = {name: value for name, value in record.items() if name != "machine"}
    known["other_names"] = tuple(known.get("other_names", ()))
    # Version 0.1.0 had no passwords on loopback, and did not record it.
    return replace(settings, **{"passwords": False} | known)


@contextmanager
def _alone(settings: ServiceSettings) -> Iterator[None]:
    """Let one `up`, `down` or `migrate` at a time work on the home, on the machine where its services run."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.home / ".stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _require_here(settings)
        yield


def _require_here(settings: ServiceSettings) -> None:
    """Refuse where the services run on another machine: here they are not seen, and two would write the same data."""
    machine = (read_record(settings.home) or {}).get("machine")
    if machine not in (None, socket.gethostname()):
        raise ServiceError(
            f"the services of {settings.home} run on {machine}, and this is {socket.gethostname()}: type it there. If "
            f"{machine} is gone for good, or is this machine's former name, delete {settings.home / RECORD_FILE}."
        )

"""PostgreSQL with the databases `prefect` and `mlflow`: on loopback, with a password, its data below the home."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from infra.errors import ServiceError
from infra.services.packages import find_program
from infra.services.passwords import USER, ensure_secrets, write_private
from infra.services.process import Service
from infra.services.settings import HOST, ServiceSettings

DATABASES = ("prefect", "mlflow")
SYSTEM_USER = "postgres"
"""PostgreSQL runs as this user in root's stead, for it refuses to run as root."""
LONGEST_SOCKET_PATH = 107
OPTIONS = {"max_connections": "200", "log_min_error_statement": "panic"}
"""The second of these settings keeps statements, and what stands in them, out of the log."""


def database_url(settings: ServiceSettings, database: str, driver: str) -> str:
    """Return a URL without the password, which clients find through PGPASSFILE."""
    return f"postgresql+{driver}://{USER}@{HOST}:{settings.postgres_port}/{database}"


def client_environment(settings: ServiceSettings) -> dict[str, str]:
    """Variables by which clients find the password."""
    return {"PGPASSFILE": str(settings.home / "pgpass")}


def postgres_service(settings: ServiceSettings, folder: Path) -> Service:
    """Describe the server of the cluster that `prepare` made."""
    data = data_folder(settings)
    options = {
        "listen_addresses": HOST,
        "port": str(settings.postgres_port),
        "unix_socket_directories": _socket_folder(data, settings.postgres_port),
    } | OPTIONS
    command = [find_program("postgres"), "-D", str(data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return Service(
        "postgresql",
        [*_as_system_user(), *command],
        {},
        folder,
        f"tcp://{HOST}:{settings.postgres_port}",
        probe=lambda: _is_ready(settings.postgres_port),
        stop_signal=signal.SIGINT,  # the fast way; SIGTERM would wait until every client has gone
    )


def data_folder(settings: ServiceSettings) -> Path:
    """Where the cluster lies; whole, or not there."""
    return settings.home / "postgresql" / "data"


def prepare(settings: ServiceSettings) -> bool:
    """Write the password file, and make the cluster if there is none; return whether it was made.

    Raises:
        ServiceError: PostgreSQL is not installed, cannot reach its folder, or fails.
    """
    password = ensure_secrets(settings.home).postgres
    write_private(settings.home / "pgpass", f"{HOST}:*:*:{USER}:{password}\n")
    data = data_folder(settings)
    if data.exists():
        return False
    data.parent.mkdir(parents=True, exist_ok=True)
    _require_reachable(data.parent)
    unfinished = data.with_name("unfinished")  # left by a launch that was killed here
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _give_away(unfinished)
    _run([find_program("initdb"), "-D", str(unfinished), "--no-locale", "-E", "UTF8", "-A", "scram-sha-256", *_peer()])
    statements = [f"CREATE ROLE {USER} LOGIN PASSWORD '{password}'"]
    statements += [f"CREATE DATABASE {database} OWNER {USER}" for database in DATABASES]
    single = [find_program("postgres"), "--single", "-D", str(unfinished), "-c", "exit_on_error=on"]
    single += ["-c", "log_min_error_statement=panic", "postgres"]
    _run(single, "".join(f"{statement};\n" for statement in statements))
    unfinished.rename(data)
    return True


def _peer() -> list[str]:
    """Return initdb's option by which only the cluster's own system user gets in through its socket, as superuser."""
    return ["--auth-local=peer"]


def _as_system_user() -> list[str]:
    """Return what stands before a command so that it does not run as root; nothing for anyone else."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise ServiceError(
            f"PostgreSQL refuses to run as root, and there is no user '{SYSTEM_USER}' to run it as; Debian's package "
            "postgresql makes one. Or run `winnow` as an ordinary user."
        ) from None
    return [find_program("setpriv"), f"--reuid={SYSTEM_USER}", f"--regid={SYSTEM_USER}", "--init-groups", "--"]


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, SYSTEM_USER, SYSTEM_USER)
        shutil.chown(folder.parent, SYSTEM_USER, SYSTEM_USER)


def _require_reachable(folder: Path) -> None:
    """Refuse a folder that the system user cannot enter; its parents belong to others and are not changed."""
    for parent in reversed([folder, *folder.parents]):
        done = subprocess.run([*_as_system_user(), "test", "-x", str(parent)], check=False)
        if done.returncode != 0:
            raise ServiceError(
                f"PostgreSQL refuses to run as root, so it runs as user '{SYSTEM_USER}', who may not enter {parent} "
                f"(mode {parent.stat().st_mode & 0o7777:04o}). Set WINNOW_HOME to a folder that others may enter, such "
                f"as /srv/winnow, or run `winnow` as an ordinary user, or: chmod o+x {parent}"
            )


def _socket_folder(data: Path, port: int) -> str:
    """Return the folder of the socket, or none at all where the path is longer than the system allows."""
    return str(data) if len(os.fsencode(data / f".s.PGSQL.{port}")) <= LONGEST_SOCKET_PATH else ""


def _is_ready(port: int) -> bool:
    command = [find_program("pg_isready"), "--quiet", "--host", HOST, "--port", str(port), "--timeout", "2"]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


def _run(command: list[str], text: str = "") -> None:
    """Run one of PostgreSQL's programs; what it prints is shown only if it fails, and its input never."""
    done = subprocess.run(
        [*_as_system_user(), *command], input=text, capture_output=True, text=True, cwd="/", check=False
    )
    if done.returncode != 0:
        raise ServiceError(f"{Path(command[0]).name} failed with {done.returncode}:\n{done.stdout + done.stderr}")

"""Where the services listen and keep their data."""

import ipaddress
import json
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.errors import ServiceError
from infra.services.passwords import has_secrets, read_secrets

HOST = "127.0.0.1"
WORK_POOL = "winnow"
STACKS = ("embedded", "full")
DEFAULT_PREFECT_PORT = 4200
DEFAULT_MLFLOW_PORT = 5000
DEFAULT_POSTGRES_PORT = 5433
DEFAULT_REDIS_PORT = 6380
RECORD_FILE = "stack.json"
"""It lies below the home, and tells other commands what the stack was last started with, and where it runs."""
OTHER_NAMES = "WINNOW_OTHER_NAMES"
SERVER_NAME = re.compile(r"^([\w.-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$", re.ASCII)
"""This is a name, an IPv4 address, or an IPv6 address, which has two colons or more."""
NO_PROXY = ("no_proxy", "NO_PROXY")
"""Programs differ in which of the two they read."""


@dataclass(frozen=True)
class ServiceSettings:
    """Which stack, its addresses, and the folder below which everything lies."""

    home: Path
    prefect_port: int = DEFAULT_PREFECT_PORT
    mlflow_port: int = DEFAULT_MLFLOW_PORT
    postgres_port: int = DEFAULT_POSTGRES_PORT
    redis_port: int = DEFAULT_REDIS_PORT
    stack: str = "embedded"
    """`embedded` keeps records in SQLite; `full` runs PostgreSQL and Redis."""
    host: str = HOST
    """Prefect and MLflow listen at this address."""
    public_host: str = HOST
    """Clients, compute nodes included, reach them by this name or address."""
    passwords: bool = True
    """Prefect and MLflow ask for passwords; they may be switched off on loopback of a machine with one user."""
    other_names: tuple[str, ...] = ()
    """Prefect and MLflow answer under these names, too."""

    @property
    def needs_passwords(self) -> bool:
        """Whether Prefect and MLflow ask for passwords: always off loopback."""
        return self.passwords or not self._is_on_loopback

    @property
    def _is_on_loopback(self) -> bool:
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def server_names(self) -> list[str]:
        """Names and addresses under which Prefect and MLflow answer; loopback's are those of tunnels, too."""
        own = [] if self._is_on_loopback else [socket.gethostname(), socket.getfqdn()]
        names = ["localhost", HOST, "::1", self.public_host, self.host, *own, *self.other_names]
        return [*dict.fromkeys(name.lower() for name in names)]

    @property
    def prefect_ui(self) -> str:
        """Address of the Prefect UI."""
        return f"http://{_in_url(self.public_host)}:{self.prefect_port}"

    @property
    def mlflow_ui(self) -> str:
        """Address of the MLflow UI, and of its API."""
        return f"http://{_in_url(self.public_host)}:{self.mlflow_port}"

    @property
    def local_host(self) -> str:
        """Address by which this machine reaches Prefect and MLflow, ready for a URL."""
        return HOST if ipaddress.ip_address(self.host).is_unspecified else _in_url(self.host)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that every process needs to reach the services.

        Raises:
            ServiceError: they ask for passwords, and there are none yet, or others may read them.
        """
        return self._addresses | (read_secrets(self.home).clients if self.needs_passwords else {})

    @property
    def known_environment(self) -> dict[str, str]:
        """The same, without passwords as long as there are none: then no service was ever started here."""
        return self.environment if has_secrets(self.home) else self._addresses

    @property
    def _addresses(self) -> dict[str, str]:
        return {
            "PREFECT_API_URL": f"{self.prefect_ui}/api",
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # Seven tries wait for a server for four minutes; the check would not wait, in each new worker.
            "PREFECT_CLIENT_MAX_RETRIES": "7",
            "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
            "MLFLOW_TRACKING_URI": self.mlflow_ui,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "DO_NOT_TRACK": "1",
            **dict.fromkeys(NO_PROXY, _past_proxy(HOST, "localhost", self.public_host)),
        }


def read_settings(stack: str | None = None, passwords: bool | None = None) -> ServiceSettings:
    """Read the settings: from the environment, else as the home's stack was started last, else the defaults.

    The variables are WINNOW_HOME (default `.winnow`), WINNOW_PREFECT_PORT, WINNOW_MLFLOW_PORT, WINNOW_POSTGRES_PORT,
    WINNOW_REDIS_PORT, WINNOW_HOST, WINNOW_PUBLIC_HOST (default off loopback: this machine's name) and
    WINNOW_OTHER_NAMES (with commas between them).

    Args:
        stack: one of `STACKS`; without it the home's: the one started last, else the one whose data lies there.
        passwords: whether Prefect and MLflow ask for them; None: as when they were started last, at first they do.

    Raises:
        ServiceError: a port is not a port, WINNOW_HOST is no address, one of WINNOW_OTHER_NAMES no name, there is no
            such stack, or passwords are to be off where others than this machine reach the services.
    """
    home = Path(os.environ.get("WINNOW_HOME", ".winnow")).resolve()
    record = read_record(home) or {}
    host = _read_host(record.get("host", HOST))
    if passwords is False and not ipaddress.ip_address(host).is_loopback:
        raise ServiceError(
            f"passwords cannot be off where other machines reach the services, and WINNOW_HOST is {host}"
        )
    return ServiceSettings(
        home=home,
        prefect_port=_read_port("WINNOW_PREFECT_PORT", record.get("prefect_port", DEFAULT_PREFECT_PORT)),
        mlflow_port=_read_port("WINNOW_MLFLOW_PORT", record.get("mlflow_port", DEFAULT_MLFLOW_PORT)),
        postgres_port=_read_port("WINNOW_POSTGRES_PORT", record.get("postgres_port", DEFAULT_POSTGRES_PORT)),
        redis_port=_read_port("WINNOW_REDIS_PORT", record.get("redis_port", DEFAULT_REDIS_PORT)),
        stack=_read_stack(stack or record.get("stack") or _stack_of(home)),
        host=host,
        public_host=os.environ.get("WINNOW_PUBLIC_HOST") or _public_host(host, record),
        passwords=bool(record.get("passwords", True)) if passwords is None else passwords,
        other_names=_read_other_names(record.get("other_names", ())),
    )


def read_record(home: Path) -> dict[str, Any] | None:
    """Return what the home's stack was started with last, and the `machine` where it runs; None where none ever was."""
    path = home / RECORD_FILE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ServiceError(
            f"{path} cannot be read ({error}), so nobody knows what the services were started with. Delete it, and "
            "start them again with winnow up and its options."
        ) from None


def _stack_of(home: Path) -> str:
    return "full" if (home / "postgresql" / "data").exists() else "embedded"


def _past_proxy(*hosts: str) -> str:
    """Return for which hosts no proxy is asked: those of the environment, and these."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = [name.strip() for name in known.split(",") if name.strip()]
    return "*" if "*" in names else ",".join(dict.fromkeys([*names, *hosts]))


def _public_host(host: str, record: dict[str, Any]) -> str:
    if record.get("host") == host:
        return str(record["public_host"])
    return host if ipaddress.ip_address(host).is_loopback else socket.gethostname()


def _read_host(default: str) -> str:
    value = os.environ.get("WINNOW_HOST") or default
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ServiceError(
            f"WINNOW_HOST is '{value}'; it must be an address to listen at, such as 127.0.0.1, 10.0.0.5 or 0.0.0.0. "
            "The name by which compute nodes reach this machine goes into WINNOW_PUBLIC_HOST."
        ) from None


def _read_other_names(default: Iterable[str]) -> tuple[str, ...]:
    value = os.environ.get(OTHER_NAMES)
    names = tuple(default) if value is None else tuple(name.strip() for name in value.split(",") if name.strip())
    for name in names:
        if not SERVER_NAME.match(name):
            raise ServiceError(
                f"{OTHER_NAMES} names '{name}'; a name or address is wanted, without scheme and port, such as "
                "login1.cluster.example, with commas between several"
            )
    return names


def _read_stack(value: str) -> str:
    if value not in STACKS:
        raise ServiceError(f"there is no stack '{value}'; allowed are {' and '.join(STACKS)}")
    return value


def _read_port(variable: str, default: int) -> int:
    value = os.environ.get(variable, str(default))
    if not (value.isdigit() and 0 < int(value) < 2**16):
        raise ServiceError(f"{variable} is '{value}'; it must be a port, 1 to 65535")
    return int(value)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host

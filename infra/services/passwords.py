"""Passwords of the services: made once, kept in one file that only its owner can read."""

import os
import secrets
import stat
import uuid
from dataclasses import dataclass
from pathlib import Path

from infra.errors import ServiceError

SECRETS_FILE = "secrets.env"
USER = "winnow"
NAMES = (
    "WINNOW_POSTGRES_PASSWORD",
    "WINNOW_REDIS_PASSWORD",
    "WINNOW_PREFECT_PASSWORD",
    "WINNOW_MLFLOW_PASSWORD",
)
PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Secrets:
    """The passwords; letters, digits, `-` and `_` only, so they need no quoting in URLs and configuration files."""

    postgres: str
    redis: str
    prefect: str
    mlflow: str

    def __repr__(self) -> str:
        """Hide the values, because an error's message or a debugger would show them."""
        return "Secrets(...)"

    @property
    def clients(self) -> dict[str, str]:
        """Variables by which clients show Prefect and MLflow their passwords."""
        return {
            "PREFECT_API_AUTH_STRING": f"{USER}:{self.prefect}",
            "MLFLOW_TRACKING_USERNAME": USER,
            "MLFLOW_TRACKING_PASSWORD": self.mlflow,
        }


def has_secrets(home: Path) -> bool:
    """Say whether passwords were made below `home`."""
    return (home / SECRETS_FILE).exists()


def ensure_secrets(home: Path) -> Secrets:
    """Return the passwords below `home`, made if there are none yet."""
    path = home / SECRETS_FILE
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [f"{name}={secrets.token_urlsafe(PASSWORD_BYTES)}\n" for name in NAMES]
        write_private(path, "".join(lines), replace=False)
    return read_secrets(home)


def read_secrets(home: Path) -> Secrets:
    """Read the passwords.

    Raises:
        ServiceError: there are none, one is missing, or others than the owner may read the file.
    """
    path = home / SECRETS_FILE
    if not path.exists():
        raise ServiceError(f"{path} is not there; `winnow up` makes it, on the machine where the services run")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ServiceError(f"{path} holds passwords and has mode {mode:04o}; it must be 0600: chmod 600 {path}")
    values = dict(
        line.split("=", 1) for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if "=" in line
    )
    missing = [name for name in NAMES if not values.get(name)]
    if missing:
        raise ServiceError(f"{path} lacks {', '.join(missing)}; restore it from where you keep a copy")
    return Secrets(*(values[name] for name in NAMES))


def write_private(path: Path, text: str, replace: bool = True) -> None:
    """Write a file of mode 0600 in one step; without `replace`, one that is there by now stays as it is."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            aside.replace(path)
        elif not path.exists():
            _link(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def close_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder that only its owner can enter, or close one that was open; one of another owner stays as it is."""
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(mode)


def _link(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)  # in one step, and fails where another `winnow up` was first, whose passwords then stand
    except FileExistsError:
        return

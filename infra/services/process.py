"""A service as an ordinary process: started once, known by its pid, stopped by it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import psutil

from infra.errors import ServiceError
from infra.services.passwords import close_folder
from infra.services.ports import is_free
from tasks.core.base.process_handles import find, is_alive
from tasks.core.base.processes import ProcessIdentity, from_json, process_of, this_process

START_SECONDS = 600
STOP_SECONDS = 20
LOG_LINES_SHOWN = 15
FOR_THE_OWNER = 0o077
"""What services, and the flows that they run, write is for its owner alone."""
_started: list[subprocess.Popen[bytes]] = []
"""Python warns of a Popen that goes while its process runs, so these, which outlive their starter, are kept."""


@dataclass(frozen=True)
class Service:
    """How to start a service and how to tell that it is healthy."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    """The pid file and the log lie in this folder."""
    health_url: str
    """The service listens here, and this is asked whether it is healthy: HTTP, or `tcp://` together with a `probe`."""
    probe: Callable[[], bool] | None = None
    """It says whether a service that does not speak HTTP is healthy."""
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def pid_path(self) -> Path:
        """Where the pid lies, with the process's start, so that a reused pid is not taken for it."""
        return self.folder / f"{self.name}.json"

    @property
    def log_path(self) -> Path:
        """Where the service logs."""
        return self.folder / f"{self.name}.log"


def running_process(service: Service) -> psutil.Process | None:
    """Return the service's process if it is the one that was started, and alive."""
    recorded = _recorded(service)
    return None if recorded is None else find(recorded)


def _recorded(service: Service) -> ProcessIdentity | None:
    """Return who was started. The file names no host: services outlive the renaming of their machine."""
    try:
        record = json.loads(service.pid_path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return from_json(record | {"host": this_process().host}, record.get("started"))


def start(service: Service) -> bool:
    """Start the service unless it runs; return whether it was started. `wait_healthy` says when it is ready.

    Raises:
        ServiceError: another program listens at its address, or has a connection from it.
    """
    if running_process(service):
        return False
    require_free(service)
    close_folder(service.folder)
    with service.log_path.open("ab") as log:
        started = subprocess.Popen(
            service.command,
            env={**os.environ, **service.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=service.folder,
            umask=FOR_THE_OWNER,
            preexec_fn=heed_interrupts,  # noqa: PLW1509 - it takes no lock
        )
    _started.append(started)
    service.pid_path.write_text(json.dumps({"pid": started.pid, "start": process_of(started.pid).start}))
    return True


def heed_interrupts() -> None:
    """Have this process heed SIGINT, by which Prefect stops its worker.

    A shell has what it starts in the background ignore it, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def require_free(service: Service) -> None:
    """Raise ServiceError where the service does not run, and another program has its address."""
    if not running_process(service) and _is_taken(service.health_url):
        raise ServiceError(
            f"{service.health_url} is held by a program not started here, so {service.name} cannot use its "
            "port. Stop that program, or set WINNOW_PREFECT_PORT, WINNOW_MLFLOW_PORT, WINNOW_POSTGRES_PORT and "
            "WINNOW_REDIS_PORT to free ports below 32768; Linux lends the higher ones to outgoing connections."
        )


def wait_healthy(service: Service) -> None:
    """Wait until the service answers.

    Raises:
        ServiceError: it ended, or does not answer within ten minutes, as one that hangs; the message holds the end of
            its log.
    """
    deadline = time.monotonic() + START_SECONDS
    while not is_healthy(service):
        if running_process(service) is None or time.monotonic() > deadline:
            tail = "\n".join(service.log_path.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])
            stop(service)
            raise ServiceError(
                f"{service.name} did not come up at {service.health_url}; {service.log_path} ends:\n{tail}"
            )
        time.sleep(0.2)


def is_healthy(service: Service) -> bool:
    """Ask the service once."""
    return service.probe() if service.probe else _answers(service.health_url)


def stop(service: Service) -> bool:
    """Stop the service and its children by pid; return whether it ran."""
    process = running_process(service)
    if process is not None:
        family = [process, *process.children(recursive=True)]
        process.send_signal(service.stop_signal)
        _wait_gone([process])
        left = [member for member in family if is_alive(member)]
        for member in left:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
        for stubborn in _wait_gone(left):
            with suppress(psutil.NoSuchProcess):
                stubborn.kill()
    service.pid_path.unlink(missing_ok=True)
    return process is not None


def _wait_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait a while until they have ended; return those that have not."""
    deadline = time.monotonic() + STOP_SECONDS
    while (alive := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def _is_taken(url: str) -> bool:
    address = urlsplit(url)
    return address.port is not None and not is_free(address.port, str(address.hostname))


def _answers(url: str) -> bool:
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (URLError, OSError, HTTPException):
        return False

"""What a compute node finds. Run there: `python -m deployments.doctor.node REQUEST`; prints JSON.

REQUEST is a file with the folders to write to, the engine models to load, and the addresses of the servers.
"""

import json
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import httpx

from tasks.core.base.cpu import processor_name
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.loading import open_engine

SECONDS = 10


def look(request: dict[str, Any]) -> dict[str, Any]:
    """Return what this machine is, and for each thing that was asked about why it does not work, or None."""
    return {
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "packages": packages(),
        "processor": processor_name(),
        "threads": cpu_threads(),
        "gpus": gpus(),
        "servers": {name: _said(answer, url) for name, url in request["servers"].items()},
        "folders": {folder: _said(write, folder) for folder in request["folders"]},
        "engines": {label: _said(open_engine, folder) for label, folder in request["engines"].items()},
        "scratch": {"folder": tempfile.gettempdir(), "free_bytes": shutil.disk_usage(tempfile.gettempdir()).free},
    }


def packages() -> dict[str, str]:
    """Return the versions of all installed packages; not of those that setuptools, once imported, brings along."""
    path = [folder for folder in sys.path if Path(folder).name != "_vendor"]
    return {found.name.lower(): found.version for found in distributions(path=path) if found.read_text("METADATA")}


def gpus() -> list[str]:
    """Return the names of the GPUs that the driver shows."""
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()


def answer(url: str) -> None:
    """Ask a server for its health, past any proxy; an HTTP error is raised."""
    httpx.get(url, timeout=SECONDS, trust_env=False).raise_for_status()


def write(folder: str) -> None:
    """Write a file there, read it and take it away again."""
    path = Path(folder) / f".winnow-doctor-{uuid.uuid4().hex}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("probe", encoding="utf-8")
    path.read_text(encoding="utf-8")
    path.unlink()


def _said(probe: Callable[[str], Any], what: str) -> str | None:
    """Return why a probe fails, or None."""
    try:
        probe(what)
    except Exception as error:  # noqa: BLE001 - whatever is wrong there is what was asked
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))) + "\n")

"""The real stack on free ports, and a Dask scheduler and worker started in another folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from distributed import Client

from infra.services import stack
from infra.services.settings import ServiceSettings
from tests.conftest import free_port

BINARIES = Path(sys.executable).parent


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    """Settings of a stack that is up."""
    settings = ServiceSettings(tmp_path_factory.mktemp("winnow-home"), free_port(), free_port())
    with stack.running(settings):
        yield settings


@pytest.fixture(scope="session")
def run(settings):
    """Return a function that runs one of the project's commands against the stack, in a folder of no importance."""

    def run_command(program, *words):
        return subprocess.run(
            [BINARIES / program, *words],
            env={**os.environ, **settings.environment, "COLUMNS": "200"},
            cwd=settings.home,
            capture_output=True,
            text=True,
            check=False,
        )

    return run_command


@pytest.fixture(scope="session")
def dask_address(tmp_path_factory):
    """A scheduler and one worker that know nothing but the installed packages; returns the scheduler's address."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    address = f"tcp://127.0.0.1:{free_port()}"
    environment = {"PATH": os.environ["PATH"], "HOME": str(elsewhere), "OMP_NUM_THREADS": "1"}
    port = address.rsplit(":", 1)[1]
    scheduler = [BINARIES / "dask", "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    worker = [BINARIES / "dask", "worker", address, "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard"]
    with (elsewhere / "log").open("wb") as log:
        started = [
            subprocess.Popen(command, cwd=elsewhere, env=environment, stdout=log, stderr=log)
            for command in (scheduler, worker)
        ]
    try:
        with Client(address, set_as_default=False, timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=30)

"""The real stack on free ports, and a Dask scheduler and worker started in another folder."""

import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psutil
import pytest

from infra.errors import ServiceError
from infra.services import stack
from infra.services.packages import PACKAGES, ensure_packages
from infra.services.settings import ServiceSettings
from tests.support.commands import BINARIES
from tests.support.deployed_round import ROWS, Told
from tests.support.ports import free_port
from tests.support.round_files import write_round
from tests.support.stack_clients import PrefectApi
from tests.support.waiting import wait_for


@pytest.fixture(scope="session")
def settings():
    """Settings of a stack that is up, by default: on loopback, with passwords. Others may look beside its home."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-"))
    folder.chmod(0o755)
    settings = ServiceSettings(folder / "home", free_port(), free_port())
    with stack.running(settings):
        yield settings
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def run(settings):
    """Return a function that runs one of the project's commands against the stack, in a folder of no importance."""

    def run_command(program, *words, **environment):
        return subprocess.run(
            [BINARIES / program, *words],
            env={**os.environ, **settings.environment, "COLUMNS": "200", **environment},
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

    def is_up():
        return all(process.poll() is None for process in started)

    try:
        wait_for(lambda: "Registered to" in (elsewhere / "log").read_text(), "the Dask worker was ready", is_up)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


@pytest.fixture(scope="session")
def round_file(tmp_path_factory, tiny_bert, dask_address):
    """A round of 120 shards whose work goes to the Dask worker in another folder."""
    folder = tmp_path_factory.mktemp("services-round")
    clusters = dict.fromkeys(("training", "conversion", "inference"), dask_address)
    return write_round(folder, tiny_bert, sample_rows=ROWS, clusters=clusters)


@pytest.fixture(scope="session")
def deployed_round(run, round_file):
    """The same round, deployed by a typed command."""
    done = run("winnow", "deploy", str(round_file))
    assert done.returncode == 0, done.stdout + done.stderr
    return round_file


@pytest.fixture(scope="session")
def trained(settings, deployed_round):
    """What `winnow run` said of the round's training, line by line as it came."""
    told = Told(settings, "run", "training", str(deployed_round)).to_the_end()
    assert told.returncode == 0, "\n".join(told.lines)
    return told


@pytest.fixture(scope="session")
def conversion(settings, trained, round_file):
    """What `winnow run` said of the round's conversion."""
    told = Told(settings, "run", "conversion", str(round_file)).to_the_end()
    assert told.returncode == 0, "\n".join(told.lines)
    return told


@pytest.fixture(scope="session")
def converted(conversion, round_file):
    """The round, trained and converted."""
    return round_file


@pytest.fixture(scope="session")
def packages():
    """PostgreSQL and Redis, installed if they were not."""
    try:
        ensure_packages(PACKAGES)
    except ServiceError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def full_settings(packages):
    """Settings of a full stack, in a home that PostgreSQL's own user may enter, unlike pytest's folders."""
    home = Path(tempfile.mkdtemp(prefix="winnow-"))
    home.chmod(0o755)
    ports = [free_port() for _ in range(4)]
    settings = ServiceSettings(home, *ports, stack="full")
    yield settings
    stack.down(settings)
    shutil.rmtree(home)


@pytest.fixture
def full_stack(full_settings):
    """Settings of the full stack, which is up; a test before this one may have stopped it."""
    if not stack.is_up(full_settings):
        stack.up(full_settings)
    return full_settings


@pytest.fixture
def typed(full_stack):
    """Return a function that types a command in a shell that knows WINNOW_HOME and nothing else of the stack."""

    def run_command(program, *words):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
        done = subprocess.run(
            [BINARIES / program, *words],
            env=kept | {"WINNOW_HOME": str(full_stack.home), "COLUMNS": "200"},
            cwd=full_stack.home,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run_command


@pytest.fixture
def api(full_stack):
    """Prefect's API of the full stack."""
    return PrefectApi(full_stack)


@pytest.fixture(scope="session")
def own_address():
    """An address of this machine that is not loopback."""
    entries = [entry for entries in psutil.net_if_addrs().values() for entry in entries]
    found = [entry.address for entry in entries if entry.family is socket.AF_INET]
    addresses = [address for address in found if not ipaddress.ip_address(address).is_loopback]
    if not addresses:
        pytest.skip("this machine has no address but loopback")
    return addresses[0]

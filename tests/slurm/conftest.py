"""Servers whose worker finds the SLURM cluster, clusters of a test's own, and an empty queue."""

import os
import subprocess

import pytest

from infra.local_slurm.control import down, up
from infra.local_slurm.settings import SlurmSettings
from infra.services import stack
from infra.services.settings import ServiceSettings
from infra.slurm.commands import our_jobs
from tests.support.commands import BINARIES
from tests.support.dask_jobs import wait_until
from tests.support.ports import free_port


@pytest.fixture
def make_slurm(slurm_packages, tmp_path_factory):
    """Return a function that starts a cluster of this test's own, of one node unless it says otherwise."""
    folders = []

    def make(**settings):
        folders.append(tmp_path_factory.mktemp("own"))
        return up(SlurmSettings(folders[-1], **({"nodes": 1} | settings)))

    yield make
    for folder in folders:
        down(folder)


@pytest.fixture(scope="module")
def settings(slurm, tmp_path_factory):
    """Settings of servers that are up, with a worker that finds the SLURM cluster."""
    settings = ServiceSettings(tmp_path_factory.mktemp("slurm-home"), free_port(), free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", slurm.environment["SLURM_CONF"])
        with stack.running(settings):
            yield settings


@pytest.fixture(scope="module")
def typed(settings):
    """Return a function that types a command, expects its exit status, and returns what it printed."""

    def run(program, *words, expect=0):
        environment = {**os.environ, **settings.environment, "COLUMNS": "200"}
        command = [str(BINARIES / program), *words]
        done = subprocess.run(command, env=environment, cwd=settings.home, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def empty_slurm(slurm, monkeypatch):
    """SLURM's commands find the test's cluster, and no job of an earlier test is there."""
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    wait_until(lambda: not our_jobs(), "the jobs of the test before were gone")

"""A real SLURM of four nodes on loopback."""

import pytest

from infra.slurm.control import down, up
from infra.slurm.packages import ensure_packages
from infra.slurm.settings import SlurmSettings
from tests.needed import require


@pytest.fixture(scope="session")
def slurm_packages():
    """SLURM's Debian packages, installed if they were not."""
    require(ensure_packages)


@pytest.fixture(scope="session")
def slurm(slurm_packages, tmp_path_factory):
    """A cluster that is up, with four nodes of two CPUs and 8 GiB; see `infra.slurm` for what can be done to it."""
    settings = SlurmSettings(tmp_path_factory.mktemp("slurm"))
    try:
        yield up(settings)
    finally:
        down(settings.folder)


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

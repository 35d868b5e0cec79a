"""Runs of the drills' round on SLURM, each with its trouble-maker."""

import os
import random
import time

import pytest

from infra.local_slurm.client import run
from tests.drills.slurm_trouble import Trouble, write_profile

SECONDS = 60


@pytest.fixture
def troubled(slurm, settings, make_drill, tmp_path, monkeypatch):
    """Return a function that starts a run on SLURM and gives it with its trouble-maker."""
    monkeypatch.setenv("SLURM_CONF", slurm.environment["SLURM_CONF"])
    made = []

    def make(sample="many", draw=None, **profile):
        drill = make_drill(sample)
        cluster = write_profile(tmp_path, **profile)

        def launch():
            return drill.launch(cluster=cluster)

        made.append(Trouble(slurm, settings, draw or random.Random(0), launch, launch()))  # noqa: S311 - no secrets
        return drill, made[-1]

    yield make
    for trouble in made:
        trouble.mend()
        trouble.launch.process.poll() is None and trouble.launch.kill()
    # Orphans of a flow that was killed; nothing may be left for the next drill.
    run(slurm, "scancel", "--quiet", f"--user={os.getuid()}")
    wait_until_idle(slurm)


def wait_until_idle(slurm):
    """Wait until SLURM has no job left."""
    deadline = time.monotonic() + SECONDS
    while squeue(slurm):
        assert time.monotonic() < deadline, squeue(slurm)
        time.sleep(0.2)


def squeue(slurm):
    return run(slurm, "squeue", "--noheader").splitlines()

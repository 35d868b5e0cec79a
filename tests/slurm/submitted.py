"""Jobs as tests submit them."""

import time

import psutil

from infra.local_slurm.client import run

WAIT_SECONDS = 30


def submit(cluster, script, *options):
    """Submit a shell script; return the job's number. Its output lies in `output`."""
    log = f"--output={cluster.folder}/%j.out"
    return run(cluster, "sbatch", "--parsable", f"--chdir={cluster.folder}", log, *options, "--wrap", script).strip()


def output(cluster, number):
    """Return what a job has printed so far."""
    path = cluster.folder / f"{number}.out"
    return path.read_text() if path.exists() else ""


def is_alive(process):
    """Say whether a process runs; a dead one that its parent did not ask for yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition):
    """Wait until the condition returns something true, and return it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return found

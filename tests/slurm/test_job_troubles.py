"""What goes wrong with jobs of a Dask cluster on a real SLURM, and what is made of it."""

import asyncio
import os

import psutil
import pytest
import yaml
from distributed import Client, KilledWorker

from infra.local_slurm.client import run
from infra.slurm import commands as slurm_jobs
from infra.slurm.cluster import slurm_cluster
from infra.slurm.commands import cancel
from infra.slurm.job_keeper import require_kept
from infra.slurm.jobqueue import job_class
from tests.slurm.slow import work, work_until
from tests.slurm.where import where
from tests.support.dask_jobs import SMALL, numbers, wait_for_workers, wait_until, workers
from tests.support.slurm_jobs import run_out_of_time
from tests.support.slurm_nodes import drain, resume

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("empty_slurm")]
ALONE = SMALL.model_copy(update={"workers": 1})
SHORT_LIVED = {"walltime_minutes": 2, "retire_before_minutes": 1.7, "retire_spread_minutes": 0.01}
"""A profile's values with which a worker retires after 18 s."""


def endings(folder):
    file = folder / "jobs.jsonl"
    return [yaml.safe_load(line) for line in file.read_text().splitlines()] if file.exists() else []


def retires(client):
    """Say whether the only worker takes no more tasks."""
    return [worker["status"] for worker in workers(client).values()] == ["paused"]


def test_a_task_that_outlasts_its_worker_is_done_once_and_the_next_goes_to_another_job(tmp_path):
    profile = ALONE.model_copy(update=SHORT_LIVED)
    with slurm_cluster(profile, "lives", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 1)
        long = client.submit(work_until, tmp_path / "begun", tmp_path / "enough")
        wait_until(lambda: retires(client), "the worker's life was over")
        short = client.submit(work, tmp_path / "begun_later", 0)
        (tmp_path / "enough").touch()
        wait_until(long.done, "the long task was done")
        first = long.result()
        del long
        wait_until(short.done, "the short task was done")
        assert first != short.result()
    assert len((tmp_path / "begun").read_text().splitlines()) == 1


@pytest.mark.drill
def test_a_task_that_its_jobs_time_limit_ends_counts_as_lost_also_when_its_worker_was_to_retire(slurm, tmp_path):
    profile = ALONE.model_copy(update=SHORT_LIVED)
    with slurm_cluster(profile, "limit", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 1)
        cluster.scheduler.allowed_failures = 0
        task = client.submit(work, tmp_path / "begun", 600)
        wait_until(lambda: retires(client), "the worker's life was over")
        (number,) = numbers()
        run_out_of_time(slurm, number)
        wait_until(task.done, "the task was lost")
        with pytest.raises(KilledWorker):
            task.result()


def test_a_worker_that_the_kernel_kills_ends_its_job_and_another_follows(tmp_path):
    with slurm_cluster(ALONE, "killed", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 1)
        (found,) = client.run(where).values()
        psutil.Process(found["pid"]).kill()
        wait_until(lambda: endings(tmp_path), "the ending was written")
        wait_for_workers(client, 1)
        assert numbers() != {found["job"]}
        (ending,) = endings(tmp_path)
        assert (ending["job"], ending["JobState"], ending["ExitCode"]) == (found["job"], "FAILED", "0:9")


def test_a_job_that_is_held_is_replaced(slurm, tmp_path):
    many = SMALL.model_copy(update={"workers": 5})  # on 4 nodes of 2 CPUs one job has to wait
    with slurm_cluster(many, "held", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 4)
        wait_until(lambda: len(numbers()) == 5, "all jobs were submitted")
        (waiting,) = run(slurm, "squeue", "--noheader", "--states", "PENDING", "--format", "%i").split()
        run(slurm, "scontrol", "hold", waiting)
        wait_until(lambda: endings(tmp_path), "the job was given up")
        (ending,) = endings(tmp_path)
        assert (ending["job"], ending["JobState"], ending["Reason"]) == (waiting, "PENDING", "JobHeldAdmin")
        wait_until(lambda: len(numbers() - {waiting}) == 5, "another was submitted")
        wait_until(lambda: waiting not in numbers(), "the held one was cancelled")


@pytest.fixture
def busy(slurm):
    """Return a function that drains nodes; they are back after the test."""
    drained = []

    def take(nodes):
        for node in nodes:
            drain(slurm, node)
            drained.append(node)

    yield take
    for node in drained:
        resume(slurm, node)


def test_one_node_that_fails_every_job_does_not_end_a_run_whose_other_jobs_wait(slurm, tmp_path, busy):
    nodes = run(slurm, "sinfo", "--noheader", "--Node", "--format", "%N").split()
    bad = nodes[0]
    profile = SMALL.model_copy(update={"prologue": (f'if [ "$SLURMD_NODENAME" = {bad} ]; then exit 3; fi',)})
    with slurm_cluster(profile, "bad", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        busy(nodes[2:])
        wait_for_workers(client, 1)
        wait_until(lambda: len(endings(tmp_path)) > 6, "the bad node failed many jobs")
        (found,) = client.run(where).values()
        busy(nodes[1:2])
        cancel([found["job"]])
        before = len(endings(tmp_path))
        wait_until(lambda: len(endings(tmp_path)) > before + 2, "the keeper went on")
        require_kept()
        assert not workers(client)


def test_a_persons_sbatch_settings_do_not_change_what_a_profile_asks_for(slurm, tmp_path, monkeypatch):
    monkeypatch.setenv("SBATCH_TIMELIMIT", "7")
    with slurm_cluster(ALONE, "asked", tmp_path, False):
        wait_until(numbers, "the job was submitted")
        assert run(slurm, "squeue", "--noheader", "--format", "%l").split() == ["30:00"]


def test_a_submission_that_hangs_is_given_up(tmp_path, monkeypatch):
    hangs = tmp_path / "sbatch"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    hangs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_jobs, "SECONDS", 1)
    with pytest.raises(RuntimeError, match="gave no answer within 1 s"):
        asyncio.run(job_class()._call(["sbatch", "job.sh"]))

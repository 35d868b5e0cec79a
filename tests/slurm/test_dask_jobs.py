"""A Dask cluster of real SLURM jobs: its size is kept, nobody else gets in, and nothing is left of it."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
import yaml
from distributed import Client, Security

from infra.dask_workers.time_slices import take_long_slices, thread_attributes
from infra.errors import ClusterError
from infra.local_slurm.client import run
from infra.local_slurm.local import PARTITION
from infra.slurm import job_keeper
from infra.slurm.cluster import slurm_cluster
from infra.slurm.commands import cancel, our_jobs
from infra.slurm.job_keeper import require_kept
from tests.slurm.where import where
from tests.support.dask_jobs import SMALL, numbers, wait_for_workers, wait_until, workers

pytestmark = [pytest.mark.slurm, pytest.mark.usefixtures("empty_slurm")]
HOLD = """
import sys, time
from pathlib import Path
from infra.clusters.profiles import read_profile
from infra.slurm.cluster import slurm_cluster
if __name__ == "__main__":
    with slurm_cluster(read_profile(sys.argv[1]), "held", Path(sys.argv[2]), False):
        print("up", flush=True)
        time.sleep(600)
"""


def _slice_that_a_thread_gets():
    def work():
        take_long_slices()
        return thread_attributes().runtime

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_every_job_is_a_worker_with_the_threads_of_its_allocation(tmp_path):
    with slurm_cluster(SMALL, "sized", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 2)
        found = client.run(where)
        assert {one["threads"] for one in found.values()} == {"2"}
        assert {one["job"] for one in found.values()} == numbers()
        assert {one["malloc"] for one in found.values()} == {None}
        assert {(one["profiled"], one["tick"]) for one in found.values()} == {(False, "1 s")}
        tasks = [client.submit(where, workers=[address], pure=False) for address in found]
        assert {one["slice"] for one in client.gather(tasks)} == {_slice_that_a_thread_gets()}
    wait_until(lambda: not our_jobs(), "the jobs ended with the cluster")
    assert list(tmp_path.glob("private-*")) == []


def test_a_job_that_is_lost_is_replaced_and_the_reason_is_kept(tmp_path):
    with slurm_cluster(SMALL, "lost", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 2)
        before = numbers()
        victim = min(before)
        cancel([victim])
        wait_until(lambda: len(numbers() - {victim}) == 2, "another job was submitted")
        wait_for_workers(client, 2)
        wait_until((tmp_path / "jobs.jsonl").is_file, "the ending was written")
        (line,) = (yaml.safe_load(line) for line in (tmp_path / "jobs.jsonl").read_text().splitlines())
        assert (line["job"], line["JobState"]) == (victim, "CANCELLED")


def test_jobs_that_end_before_their_worker_connects_are_replaced_too(tmp_path):
    with slurm_cluster(SMALL, "early", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_until(lambda: len(numbers()) == 2, "the jobs were submitted")
        first = numbers()
        assert not workers(client)
        cancel(first)
        wait_for_workers(client, 2)
        assert not numbers() & first


def test_a_cluster_whose_jobs_never_come_up_is_given_up_with_their_last_words(tmp_path):
    broken = SMALL.model_copy(update={"prologue": ("echo no such module: gcc >&2; exit 3",)})
    words = r"(?s)[67] SLURM jobs ended before .*ExitCode=3:0.*no such module: gcc"
    with slurm_cluster(broken, "broken", tmp_path, False), pytest.raises(ClusterError, match=words):
        wait_until(require_kept, "the cluster was given up")
    require_kept()


@pytest.fixture
def looks(monkeypatch):
    """A list that grows with each look of the keeper."""
    seen, ask = [], job_keeper.job_reasons

    def look():
        seen.append(ask())
        return seen[-1]

    monkeypatch.setattr(job_keeper, "job_reasons", look)
    return seen


def test_a_persons_settings_of_squeue_do_not_hide_jobs_that_wait(tmp_path, monkeypatch, looks):
    monkeypatch.setenv("SQUEUE_STATES", "RUNNING")
    many = SMALL.model_copy(update={"workers": 5})  # on 4 nodes of 2 CPUs one job has to wait
    with slurm_cluster(many, "hidden", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 4)
        found, before = numbers(), len(looks)
        assert len(found) == 5
        wait_until(lambda: len(looks) > before + 3, "the keeper had looked several times")
        assert numbers() == found
    assert not (tmp_path / "jobs.jsonl").exists()


@pytest.fixture
def set_partition(slurm):
    """Return a function that sets the partition's state; it is UP again after the test."""

    def set_state(state):
        run(slurm, "scontrol", "update", f"PartitionName={PARTITION}", f"State={state}")

    yield set_state
    set_state("UP")


def test_jobs_that_slurm_refuses_for_a_while_are_submitted_again(tmp_path, set_partition):
    with slurm_cluster(SMALL, "refused", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 2)
        before = numbers()
        set_partition("INACTIVE")
        cancel(before)
        wait_until(lambda: not numbers(), "the jobs were gone")
        wait_until(lambda: None in {job.job_id for job in cluster.workers.values()}, "a job was refused")
        require_kept()
        set_partition("UP")
        wait_for_workers(client, 2)
        assert not numbers() & before


def test_a_cluster_that_slurm_refuses_for_too_long_is_given_up(tmp_path, set_partition, monkeypatch):
    monkeypatch.setattr(job_keeper, "REFUSED_SECONDS", 2.0)
    with slurm_cluster(SMALL, "refused", tmp_path, False):
        wait_until(lambda: len(numbers()) == 2, "the jobs were submitted")
        set_partition("INACTIVE")
        cancel(numbers())
        with pytest.raises(ClusterError, match="SLURM took none of 2 jobs for 2 s"):
            wait_until(require_kept, "the cluster was given up")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cpus": 64}, r"not available.*--cpus-per-task=64"),
        ({"partition": "nowhere"}, r"invalid partition.*-p nowhere"),
        ({"gpus": 1}, r"generic resource.*--gres=gpu:1"),
    ],
)
def test_jobs_that_slurm_would_never_start_are_refused_before_anything_is_submitted(tmp_path, change, message):
    with (
        pytest.raises(ClusterError, match=rf"(?s)SLURM refuses the profile's jobs: .*{message}"),
        slurm_cluster(SMALL.model_copy(update=change), "refused", tmp_path, False),
    ):
        pytest.fail("the cluster must not come up")
    assert our_jobs() == []


def test_jobs_and_keys_of_a_killed_flow_process_are_cleared_away_by_the_next(tmp_path):
    profile = tmp_path / "profile.yaml"
    profile.write_text(yaml.safe_dump(SMALL.model_dump(mode="json")))
    logs = tmp_path / "logs"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(profile), str(logs)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "up\n"
        wait_until(lambda: len(numbers()) == 2, "the jobs were submitted")
    finally:
        holder.kill()
        holder.wait()
    orphans = numbers()
    assert len(orphans) == 2
    with slurm_cluster(SMALL, "next", logs, False):
        assert {job.owner.name for job in our_jobs() if job.state != "COMPLETING"} <= {"next"}
        assert len(list(logs.glob("private-*"))) == 1
    wait_until(lambda: not our_jobs(), "the jobs ended")


def test_who_has_no_key_is_not_heard(tmp_path):
    with slurm_cluster(SMALL, "closed", tmp_path, False) as cluster:
        (private,) = tmp_path.glob("private-*")
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in private.iterdir()} == {0o600}
        address = cluster.scheduler.address
        assert address.startswith("tls://")
        foreign = Security.temporary()
        for where_to, security in ((address, foreign), (address.replace("tls", "tcp"), None)):
            with pytest.raises((OSError, RuntimeError)):
                Client(where_to, security=security, timeout=5, set_as_default=False)


def test_the_dashboard_opens_by_the_key_in_its_link_alone(tmp_path, monkeypatch):
    linked = []
    monkeypatch.setattr("infra.slurm.cluster.link_dashboard", lambda *words: linked.append(words))
    with slurm_cluster(SMALL, "shown", tmp_path, False) as cluster:
        ((_, port, key),) = linked
        page = f"http://127.0.0.1:{port}/status"
        assert port == cluster.scheduler.http_server.port
        assert httpx.get(page).status_code == 403
        with httpx.Client(follow_redirects=True) as browser:
            assert browser.get(f"{page}?key={key}").status_code == 200


def test_everything_of_the_cluster_listens_on_the_profiles_network_or_on_loopback(tmp_path):
    with slurm_cluster(SMALL, "listens", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 2)
        pids = [one["pid"] for one in client.run(where).values()]
        family = [psutil.Process(os.getpid()), *(psutil.Process(pid) for pid in pids)]
        family += [process.parent() for process in family[1:]]
        entries = [entry for process in family for entry in process.net_connections("inet")]
        assert {entry.laddr.ip for entry in entries if entry.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_worker_retires_before_its_walltime_and_another_follows(tmp_path):
    brief = SMALL.model_copy(update={"workers": 1, "walltime_minutes": 2, "retire_before_minutes": 1.75})
    brief = brief.model_copy(update={"retire_spread_minutes": 0})
    with slurm_cluster(brief, "brief", tmp_path, False) as cluster, Client(cluster, set_as_default=False) as client:
        wait_for_workers(client, 1)
        first = numbers()
        wait_until(lambda: numbers() and not numbers() & first, "another job followed")
        wait_for_workers(client, 1)
        assert Path(tmp_path / "jobs.jsonl").is_file()

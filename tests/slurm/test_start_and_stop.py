"""A local SLURM is started, repaired and stopped: by functions, and by `winnow slurm`."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from deployments.commands.slurm import app
from infra.errors import ServiceError
from infra.local_slurm import packages
from infra.local_slurm.client import run
from infra.local_slurm.control import down, up
from infra.local_slurm.daemons import daemons
from infra.local_slurm.errors import SlurmError
from infra.local_slurm.local import LocalSlurm
from infra.local_slurm.processes import job_processes
from infra.local_slurm.settings import MAX_FOLDER_LENGTH, SlurmSettings
from infra.local_slurm.status import read_status
from infra.services.ports import is_free
from infra.services.process import running_process
from tests.slurm.submitted import submit
from tests.support.slurm_jobs import show_job, wait_for_job
from tests.support.slurm_waiting import wait_on
from tests.support.waiting import is_alive

pytestmark = pytest.mark.slurm
STUBBORN = "trap '' TERM; (setsid sleep 600 &); while true; do sleep 1; done"
AS_NOBODY = """
import encodings.idna, os, pwd, sys, time
from pathlib import Path
from infra.local_slurm import control
from tests.support import slurm_jobs as jobs
from tests.support import slurm_nodes as nodes
from infra.local_slurm import status
from infra.local_slurm.client import run
from infra.local_slurm.processes import job_processes
from infra.local_slurm.settings import MAX_FOLDER_LENGTH
from infra.local_slurm.settings import SlurmSettings
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
folder = Path(sys.argv[1])
cluster = control.up(SlurmSettings(folder, nodes=2))
try:
    assert status.read_status(cluster).is_up
    number = run(cluster, "sbatch", "--parsable", f"--chdir={folder}", "--wrap", "sleep 600", "-wnode1").strip()
    jobs.wait_for_job(cluster, number, "RUNNING")
    while len(job_processes(cluster, "node1")) < 3:  # SLURM says RUNNING before the job's own processes are there
        time.sleep(0.05)
    assert nodes.kill_node(cluster, "node1") == 4
    nodes.start_node(cluster, "node1")
    number = run(cluster, "sbatch", "--parsable", f"--chdir={folder}", "--wrap", "id --user").strip()
    jobs.wait_for_job(cluster, number, "COMPLETED")
    print((folder / f"slurm-{number}.out").read_text(), end="")
finally:
    print(*control.down(folder))
"""


def processes(cluster):
    return {daemon.name: running_process(daemon) for daemon in daemons(cluster)}


def listening(process):
    entries = process.net_connections("inet")
    return {(entry.laddr.ip, entry.laddr.port) for entry in entries if entry.status == psutil.CONN_LISTEN}


def wait_until_saved(cluster, number):
    """Wait until the controller, which does so every few seconds, has stored that a job runs."""
    state = cluster.folder / "state" / "job_state"
    before = state.stat().st_mtime_ns if state.exists() else 0
    run(cluster, "scontrol", "update", f"JobId={number}", "Comment=changed")
    wait_on(cluster, lambda: state.exists() and state.stat().st_mtime_ns > before)


def assert_gone(cluster, members):
    assert not any(is_alive(process) for process in members)
    assert job_processes(cluster) == []
    assert is_free(cluster.controller_port)
    assert all(is_free(port) for port in cluster.node_ports.values())


def test_every_daemon_listens_on_loopback_only(slurm):
    ports = {"slurmctld": slurm.controller_port, **slurm.node_ports}
    for name, process in processes(slurm).items():
        found = {address for member in (process, *process.children()) for address in listening(member)}
        assert found == ({("127.0.0.1", ports[name])} if name in ports else set())


def test_starting_twice_starts_nothing(slurm):
    before = processes(slurm)
    assert up(slurm.settings) == slurm
    assert processes(slurm) == before


def test_another_size_is_refused_while_the_cluster_runs(slurm):
    with pytest.raises(SlurmError, match=r"runs with 4 nodes .*, not with 5 nodes .*`winnow slurm down` first"):
        up(SlurmSettings(slurm.folder, nodes=5))


def test_two_clusters_know_nothing_of_each_other(slurm, make_slurm):
    wait_on(slurm, lambda: not job_processes(slurm), "the jobs of the test before were gone")
    own = make_slurm()
    number = submit(own, "sleep 600")
    wait_for_job(own, number, "RUNNING")
    wait_on(own, lambda: len(job_processes(own)) == 3)
    assert job_processes(slurm) == []
    assert run(slurm, "squeue", "--noheader") == ""
    assert own.name != slurm.name
    # Another cluster's key is another secret: its jobs and commands are refused.
    crossed = own.folder / "crossed.conf"
    there, here = f"SlurmctldPort={slurm.controller_port}", f"SlurmctldPort={own.controller_port}"
    crossed.write_text(own.configuration.read_text().replace(here, there))
    refused = subprocess.run(
        ["sinfo"], env=os.environ | {"SLURM_CONF": str(crossed)}, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    members = [*processes(own).values(), *job_processes(own)]
    assert down(own.folder) == ["node1", "slurmctld", "munged"]
    assert_gone(own, members)
    assert read_status(slurm).is_up


def test_what_died_is_started_again_and_its_jobs_go_on(make_slurm):
    own = make_slurm()
    number = submit(own, "sleep 600")
    wait_for_job(own, number, "RUNNING")
    wait_until_saved(own, number)
    before, of_job = processes(own), set(job_processes(own))
    for name in ("slurmctld", "munged"):
        before[name].kill()
        before[name].wait()
    assert not read_status(own).is_up
    assert up(own.settings) == own
    after = processes(own)
    assert after["node1"] == before["node1"]
    assert after["slurmctld"] != before["slurmctld"]
    assert show_job(own, number)["JobState"] == "RUNNING"
    assert set(job_processes(own)) == of_job


def test_a_port_that_was_taken_meanwhile_is_said_and_another_is_chosen_for_a_new_start(make_slurm):
    own = make_slurm()
    running = processes(own)["node1"]
    running.kill()
    running.wait()
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", own.node_ports["node1"]))
        thief.listen()
        with pytest.raises(SlurmError, match=rf"port {own.node_ports['node1']} .* so node1 cannot use it"):
            up(own.settings)
        down(own.folder)
        again = up(own.settings)
        assert again.controller_port != own.controller_port


def test_stopping_ends_jobs_that_do_not_listen_and_a_new_start_has_none(make_slurm):
    own = make_slurm()
    number = submit(own, STUBBORN)
    wait_for_job(own, number, "RUNNING")
    members = wait_on(own, lambda: len(found := job_processes(own)) >= 4 and found)
    members += processes(own).values()
    assert "jobs" in down(own.folder)
    assert_gone(own, members)
    assert down(own.folder) == []
    again = up(own.settings)
    assert again.controller_port == own.controller_port
    assert run(again, "squeue", "--states=all", "--noheader") == ""
    assert int(submit(again, "true")) > int(number)


def test_stopping_a_cluster_whose_daemons_died_leaves_nothing(make_slurm):
    own = make_slurm()
    number = submit(own, STUBBORN)
    wait_for_job(own, number, "RUNNING")
    members = wait_on(own, lambda: len(found := job_processes(own)) >= 4 and found)
    for process in processes(own).values():
        process.kill()
        process.wait()
    assert down(own.folder) == ["jobs"]
    assert_gone(own, members)


def test_a_program_that_only_points_at_the_cluster_is_left_alone(make_slurm):
    own = make_slurm()
    driver = subprocess.Popen(["sleep", "600"], env=os.environ | own.environment)
    try:
        down(own.folder)
        assert driver.poll() is None
    finally:
        driver.kill()
        driver.wait()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nodes": 0}, "--nodes is 0; allowed: 1 to 64"),
        ({"nodes": 65}, "--nodes is 65"),
        ({"cpus": 0}, "--cpus is 0; allowed: 1 to 256"),
        ({"memory_mib": 4000}, "--memory-mib is 4000; allowed: multiples of 4096"),
        ({"memory_limits": "hard"}, "--memory-limits is hard; allowed: polled and cgroup"),
        ({"folder": Path("/srv/my slurm")}, "'/srv/my slurm'; it must be an absolute path of letters"),
        ({"folder": Path("slurm")}, "'slurm'; it must be an absolute path"),
        ({"folder": Path("/srv") / ("x" * 60)}, "has 65 characters; allowed are 64"),
    ],
)
def test_a_wrong_setting_is_said_with_what_is_allowed(settings, message, tmp_path):
    with pytest.raises(SlurmError, match=message):
        SlurmSettings(**({"folder": Path("/srv/slurm")} | settings))


def test_a_job_of_the_longest_folder_runs(slurm_packages):
    folder = Path(tempfile.mkdtemp(prefix="winnow-"))
    folder = folder.rename(f"{folder}{'x' * (MAX_FOLDER_LENGTH - len(str(folder)))}")
    try:
        cluster = up(SlurmSettings(folder, nodes=1))
        assert wait_for_job(cluster, submit(cluster, "true"), "COMPLETED")
    finally:
        down(folder)
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="all the other tests run as another user already")
def test_a_user_other_than_root_has_a_cluster_too(slurm_packages):
    nobody = pwd.getpwnam("nobody")
    folder = Path(tempfile.mkdtemp(prefix="winnow-"))
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    command = [sys.executable, "-c", AS_NOBODY, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{nobody.pw_uid}\nnode1 node2 slurmctld munged\n"


def test_without_packages_a_user_is_told_what_to_type(tmp_path_factory, monkeypatch):
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(packages, "ADMIN_FOLDERS", "")
    with pytest.raises(ServiceError, match="apt-get install munge slurm-client slurmctld slurmd"):
        up(SlurmSettings(empty))


def test_the_command_starts_shows_and_stops_a_cluster(slurm_packages, tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("WINNOW_HOME", str(home))
    winnow_slurm = partial(CliRunner().invoke, app, catch_exceptions=False)
    with pytest.raises(SlurmError, match=r"there is no SLURM in .*`winnow slurm up` starts one"):
        winnow_slurm(["status"])
    try:
        started = winnow_slurm(["up", "--nodes", "2", "--memory-mib", "4096"])
        assert started.stdout == f"export SLURM_CONF={home}/slurm/slurm.conf\n"
        assert started.stderr == "2 nodes of 2 CPUs and 4096 MiB are up\n"
        assert winnow_slurm(["up"]).stderr == started.stderr
        shown = winnow_slurm(["status"])
        assert shown.exit_code == 0
        assert [line.split()[0] for line in shown.stdout.splitlines()[:4]] == ["munged", "slurmctld", "node1", "node2"]
        assert shown.stdout.count(" idle\n") == 2
        assert winnow_slurm(["down"]).stdout == "stopped: node1, node2, slurmctld, munged\n"
        assert winnow_slurm(["status"]).exit_code == 1
        assert winnow_slurm(["down"]).stdout == "nothing was running\n"
    finally:
        down(home / "slurm")


def test_clusters_of_other_folders_have_other_names():
    first, second = (LocalSlurm(SlurmSettings(Path(f"/srv/slurm{number}")), 20_000) for number in (1, 2))
    assert first.name != second.name

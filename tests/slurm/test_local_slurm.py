"""A local SLURM: jobs and how they end, nodes and how they fail."""

import pytest

from infra.local_slurm import memory
from infra.local_slurm.client import run
from infra.local_slurm.control import up
from infra.local_slurm.daemons import node_states
from infra.local_slurm.errors import SlurmError
from infra.local_slurm.processes import job_processes, kill_jobs
from tests.slurm.submitted import output, submit
from tests.support import slurm_nodes as nodes
from tests.support.slurm_jobs import read_endings, run_out_of_time, show_job, wait_for_job
from tests.support.slurm_waiting import wait_on
from tests.support.waiting import is_alive

pytestmark = pytest.mark.slurm
TAKE_300_MIB = "import time; taken = bytearray(b'1') * (300 << 20); time.sleep(600)"


@pytest.fixture(autouse=True)
def no_jobs_left(slurm):
    """Each test finds, and leaves, an empty queue and nodes in use; jobs of other files may still be ending."""
    wait_on(slurm, lambda: set(node_states(slurm).values()) == {"idle"})
    yield
    up(slurm.settings)  # nodes that a failed test left dead
    run(slurm, "scancel", "--partition=main")
    wait_on(slurm, lambda: not run(slurm, "squeue", "--noheader"))
    kill_jobs(slurm)  # orphans, which SLURM without cgroups leaves
    wait_on(slurm, lambda: set(node_states(slurm).values()) == {"idle"})


def ending(cluster, number):
    """Return the last line of the log of endings for a job."""
    return wait_on(cluster, lambda: [line for line in read_endings(cluster) if line["JobId"] == number])[-1]


def test_four_nodes_are_idle(slurm):
    assert node_states(slurm) == dict.fromkeys(["node1", "node2", "node3", "node4"], "idle")


def test_a_job_runs_on_each_node(slurm):
    jobs = {node: submit(slurm, "echo $SLURMD_NODENAME", f"--nodelist={node}") for node in slurm.node_ports}
    for node, number in jobs.items():
        assert wait_for_job(slurm, number, "COMPLETED")["NodeList"] == node
        assert output(slurm, number) == f"{node}\n"


def test_a_job_without_a_place_for_its_output_writes_it_beside_the_cluster(slurm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    number = run(slurm, "sbatch", "--parsable", "--wrap", "echo here").strip()
    wait_for_job(slurm, number, "COMPLETED")
    assert (slurm.folder / f"slurm-{number}.out").read_text() == "here\n"
    assert list(tmp_path.iterdir()) == []


def test_memory_is_shared_out_as_jobs_ask_for_it(slurm):
    jobs = [submit(slurm, "sleep 600", "--nodelist=node1", "--mem=4G") for _ in range(3)]
    for number in jobs[:2]:
        wait_for_job(slurm, number, "RUNNING")
    wait_on(slurm, lambda: show_job(slurm, jobs[2])["Reason"] == "Resources")


def test_a_job_that_fails_says_its_exit_code(slurm):
    number = submit(slurm, "exit 7", "--job-name=a name = odd")
    job = wait_for_job(slurm, number, "FAILED")
    assert (job["Reason"], job["ExitCode"], job["JobName"]) == ("NonZeroExitCode", "7:0", "a name = odd")
    found = ending(slurm, number)
    assert (found["JobState"], found["ExitCode"]) == ("FAILED", "7:0")


def test_a_cancelled_job_gets_a_signal_and_is_gone(slurm):
    # Short sleeps: a signal that comes just before bash's `wait` is told of only when that ends.
    number = submit(slurm, "trap 'echo told; exit 0' TERM; echo ready; while true; do sleep 0.1; done")
    wait_for_job(slurm, number, "RUNNING")
    wait_on(slurm, lambda: "ready" in output(slurm, number))
    run(slurm, "scancel", number)
    assert wait_for_job(slurm, number, "CANCELLED")["Reason"] == "None"
    wait_on(slurm, lambda: "told" in output(slurm, number), "the job told", alive=lambda: job_processes(slurm))
    assert ending(slurm, number)["JobState"] == "CANCELLED"


def test_a_requeued_job_runs_again_under_its_number(slurm):
    number = submit(slurm, "echo run ${SLURM_RESTART_COUNT:-0}; sleep 600", "--requeue", "--open-mode=append")
    wait_on(slurm, lambda: job_processes(slurm))
    wait_on(slurm, lambda: output(slurm, number) == "run 0\n")
    run(slurm, "scontrol", "requeue", number)
    wait_on(slurm, lambda: output(slurm, number).endswith("run 1\n"))
    assert show_job(slurm, number)["Restarts"] == "1"


@pytest.mark.drill
def test_a_killed_node_goes_down_and_its_jobs_run_elsewhere_or_fail(slurm):
    # The orphan belongs to the job by its environment alone.
    moved = submit(slurm, "echo $SLURMD_NODENAME; (setsid sleep 600 &); sleep 600", "--requeue", "--open-mode=append")
    victim = wait_for_job(slurm, moved, "RUNNING")["NodeList"]
    other = next(node for node in slurm.node_ports if node != victim)
    lost = submit(slurm, "sleep 600", "--no-requeue", f"--nodelist={victim}")
    undisturbed = submit(slurm, "sleep 600", "--no-requeue", f"--nodelist={other}")
    for number in (lost, undisturbed):
        wait_for_job(slurm, number, "RUNNING")
    # Of each job: SLURM's own process, the script, its sleep; and the orphan.
    victims = wait_on(slurm, lambda: len(found := job_processes(slurm, victim)) == 7 and found)

    assert nodes.kill_node(slurm, victim) == 8
    assert not any(is_alive(process) for process in victims)
    assert nodes.wait_for_state(slurm, victim, "down*")
    assert wait_for_job(slurm, lost, "NODE_FAIL")["Reason"] == "NodeDown"
    assert ending(slurm, lost)["JobState"] == "NODE_FAIL"
    again = wait_for_job(slurm, moved, "RUNNING")
    assert again["NodeList"] != victim
    assert again["Restarts"] == "1"
    wait_on(slurm, lambda: output(slurm, moved) == f"{victim}\n{again['NodeList']}\n")
    assert show_job(slurm, undisturbed)["Restarts"] == "0"
    assert show_job(slurm, undisturbed)["JobState"] == "RUNNING"

    nodes.start_node(slurm, victim)
    nodes.wait_for_state(slurm, victim, "idle", "mixed")
    assert wait_for_job(slurm, submit(slurm, "true", f"--nodelist={victim}"), "COMPLETED")


def test_a_node_that_is_set_down_fails_its_job_at_once_and_comes_back(slurm):
    number = submit(slurm, "sleep 600", "--no-requeue", "--nodelist=node4")
    wait_for_job(slurm, number, "RUNNING")
    nodes.fail_node(slurm, "node4")
    assert wait_for_job(slurm, number, "NODE_FAIL")["NodeList"] == "node4"
    nodes.wait_for_state(slurm, "node4", "idle")


def test_a_drained_node_finishes_its_job_and_takes_no_other_until_it_is_resumed(slurm):
    here = "--nodelist=node1"
    first = submit(slurm, "sleep 600", here)
    wait_for_job(slurm, first, "RUNNING")
    nodes.drain(slurm, "node1")
    try:
        assert node_states(slurm)["node1"] == "draining"
        second = submit(slurm, "true", here)
        wait_on(slurm, lambda: "ReqNodeNotAvail" in show_job(slurm, second)["Reason"])
        assert show_job(slurm, first)["JobState"] == "RUNNING"
        run(slurm, "scancel", first)
        nodes.wait_for_state(slurm, "node1", "drained")
    finally:
        nodes.resume(slurm, "node1")
    assert wait_for_job(slurm, second, "COMPLETED")
    nodes.wait_for_state(slurm, "node1", "idle")


def test_a_job_whose_time_runs_out_ends_as_timeout(slurm):
    number = submit(slurm, "sleep 600")
    wait_for_job(slurm, number, "RUNNING")
    run_out_of_time(slurm, number)
    assert wait_for_job(slurm, number, "TIMEOUT")["Reason"] == "TimeLimit"
    assert "DUE TO TIME LIMIT" in output(slurm, number)
    assert ending(slurm, number)["JobState"] == "TIMEOUT"


def test_a_job_that_takes_more_memory_than_it_asked_for_is_killed(slurm):
    # A shell that outlived its child by a moment would end with 137 instead.
    number = submit(slurm, f'exec /usr/bin/env python3 -c "{TAKE_300_MIB}"', "--mem=100M")
    assert wait_for_job(slurm, number, "FAILED")["ExitCode"] == "0:9"
    assert "exceeded memory limit" in output(slurm, number)


def test_with_cgroups_such_a_job_ends_as_out_of_memory(make_slurm):
    if why := memory.why_no_cgroups():
        pytest.skip(why)
    own = make_slurm(memory_limits="cgroup")
    number = submit(own, f'/usr/bin/env python3 -c "{TAKE_300_MIB}"', "--mem=100M")
    job = wait_for_job(own, number, "OUT_OF_MEMORY")
    assert (job["Reason"], job["ExitCode"]) == ("OutOfMemory", "0:125")
    assert ending(own, number)["JobState"] == "OUT_OF_MEMORY"


def test_what_slurm_refuses_is_said_with_the_command(slurm):
    with pytest.raises(SlurmError, match=r"(?s)SLURM_CONF=.*scontrol show job --oneliner 99999.*Invalid job id"):
        show_job(slurm, "99999")
    with pytest.raises(SlurmError, match="there is no node 'node5'; this cluster has node1, node2, node3, node4"):
        nodes.drain(slurm, "node5")
    with pytest.raises(SlurmError, match="'sbotch' is not installed"):
        run(slurm, "sbotch")

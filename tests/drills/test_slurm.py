"""Drills on SLURM: whatever happens to jobs, nodes and servers, the scores are those of the undisturbed local run."""

import time

import pytest

from tests.drills.slurm_trouble import BRIEF, BRIEF_SECONDS
from tests.support.slurm_nodes import wait_for_state
from tests.support.slurm_waiting import wait_until_idle
from tests.support.soundness import require_sound

pytestmark = [pytest.mark.slurm, pytest.mark.drill]


def work_begins(drill, trouble, shards=1):
    trouble.launch.wait_until(lambda: drill.finished_shards() >= shards, f"{shards} shards were finished")


def require_well(drill, trouble, slurm):
    trouble.launch.require_finished()
    require_sound(drill.folder, drill.undisturbed)
    wait_until_idle(slurm)


def test_jobs_cancelled_requeued_and_killed(troubled, slurm):
    drill, trouble = troubled()
    for kind in ("cancel", "requeue", "kill_processes"):
        before = drill.finished_shards()
        work_begins(drill, trouble, before + 10)
        assert trouble.make(kind)
    require_well(drill, trouble, slurm)


def test_a_node_that_dies_is_down_and_comes_back_and_one_that_is_drained(troubled, slurm):
    drill, trouble = troubled()
    work_begins(drill, trouble)
    number, node = trouble.job()
    trouble.lose_node(number, node)
    other = next(name for name in slurm.node_ports if name != node)
    trouble.drain("", other)
    wait_for_state(slurm, node, "down", "down*")
    trouble.mend()
    wait_for_state(slurm, node, "idle", "mixed", "allocated")
    require_well(drill, trouble, slurm)


def test_a_job_that_reaches_its_time_limit(troubled, slurm):
    drill, trouble = troubled()
    work_begins(drill, trouble)
    assert trouble.make("time_out")
    require_well(drill, trouble, slurm)
    log = (drill.folder.path / "logs" / "slurm" / "jobs.jsonl").read_text()
    assert '"JobState": "TIMEOUT"' in log


def test_workers_that_reach_their_lifetime_hand_over_to_others(troubled, slurm):
    drill, trouble = troubled(**BRIEF)
    work_begins(drill, trouble)
    with trouble.suspended():  # so that work is left
        time.sleep(BRIEF_SECONDS)
    require_well(drill, trouble, slurm)
    workers = {path.stem for path in (drill.folder.path / "logs" / "positive").iterdir()}
    assert len(workers) > 3


def test_the_flow_process_and_both_servers(troubled, slurm):
    drill, trouble = troubled(workers=1)  # so that work is left for each trouble
    work_begins(drill, trouble, 20)
    orphans = set(trouble.running_jobs())
    assert trouble.make("kill_flow")
    trouble.launch.wait_until(lambda: set(trouble.running_jobs()) - orphans, "a job of the new launch ran")
    work_begins(drill, trouble, drill.finished_shards() + 10)
    assert trouble.make("restart_prefect")
    assert trouble.make("restart_mlflow")
    require_well(drill, trouble, slurm)


def test_two_runs_at_once_keep_off_each_others_jobs(troubled, slurm):
    """Runs of the same inputs and engines into two folders: nothing but the folder tells their jobs apart."""
    (one, first), (other, second) = troubled("few"), troubled("few")
    first.launch.require_finished()
    second.launch.require_finished()
    for drill in (one, other):
        require_sound(drill.folder, drill.undisturbed)
        assert not (drill.folder.path / "logs" / "slurm" / "jobs.jsonl").exists()

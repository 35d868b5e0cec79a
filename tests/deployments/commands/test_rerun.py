"""`winnow rerun` where there is nothing to start; that it starts what it should is in tests/slurm/test_round.py."""

import subprocess
import sys
from dataclasses import replace

from tasks.core.runs.plan_file import read_plan, write_plan
from tests.support.commands import assert_taught
from tests.support.run_marks import HOLD


def test_a_finished_run_is_not_run_again(winnow, finished):
    done = winnow("rerun", str(finished.path))
    assert "finished: 97 rows in" in done.stdout
    assert_taught(done, "is finished; there is nothing to run again")


def test_a_run_that_a_launch_works_on_is_left_to_it(winnow, halted):
    launch = subprocess.Popen([sys.executable, "-c", HOLD, str(halted.path)], stdout=subprocess.PIPE, text=True)
    try:
        assert launch.stdout.readline() == "held\n"
        done = winnow("rerun", str(halted.path))
    finally:
        launch.kill()
        launch.wait()
    assert "failed: OSError on 1 shard: 00001" in done.stdout
    assert_taught(done, f"a launch is at work on {halted.path}: process {launch.pid} on ")


def test_a_run_of_an_older_plan_that_names_no_round_says_so(winnow, halted):
    nameless = replace(read_plan(halted), round_name="")
    halted.plan_path.unlink()
    write_plan(nameless, halted)
    assert_taught(winnow("rerun", str(halted.path)), "does not say which round it is of")

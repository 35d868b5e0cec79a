"""Random trouble on SLURM, run after run; a person starts a longer one with a seed and a count of drills.

    WINNOW_DRILL_SEED=7 WINNOW_DRILLS=50 .venv/bin/pytest -s tests/drills/test_slurm_random.py

WINNOW_DRILL_REPORT names a JSON file for what was done and how it ended.
"""

import json
import os
import random
import time
from pathlib import Path

import pytest

from tests.support.soundness import require_sound

DRILLS = int(os.environ.get("WINNOW_DRILLS", "4"))
A_RUN = 4
"""Troubles in one run at most."""
LONGEST_PAUSE_SECONDS = 6.0
pytestmark = [pytest.mark.slurm, pytest.mark.drill, pytest.mark.timeout(0)]


def test_random_trouble_leaves_no_trace_in_the_scores(troubled, slurm):
    seed = int(os.environ.get("WINNOW_DRILL_SEED", "20261121"))
    print(f"WINNOW_DRILL_SEED={seed} WINNOW_DRILLS={DRILLS}")  # noqa: T201 - pytest shows it when a drill fails
    draw = random.Random(seed)  # noqa: S311 - moments of trouble, no secrets
    report: dict = {"drill_seed": seed, "runs": []}
    while (done := sum(len(run["done"]) for run in report["runs"])) < DRILLS:
        report["runs"].append(trouble_a_run(troubled, draw, min(A_RUN, DRILLS - done)))
        write(report)
    assert [run["error"] for run in report["runs"] if run["error"]] == []


def trouble_a_run(troubled, draw, wanted):
    """Make trouble for a run at random moments, and say how it came out."""
    drill, trouble = troubled(draw=draw)
    launches, error = 1, None
    try:
        make_trouble(drill, trouble, draw, wanted)
        while trouble.launch.wait_for_end():
            launches += 1
            assert launches <= 3, trouble.launch.log
            trouble.launch = trouble.relaunch()
        require_sound(drill.folder, drill.undisturbed)
    except Exception as found:  # noqa: BLE001 - the other runs are done before it is raised
        error = f"{type(found).__name__}: {found}"
    return {"done": trouble.done, "launches": launches, "error": error}


def make_trouble(drill, trouble, draw, wanted):
    """Make as much trouble as is wanted, or as the run lasts, and mend it."""
    while len(trouble.done) < wanted and not drill.is_scored():
        trouble.launch.wait_until(lambda: drill.finished_shards() or drill.is_scored(), "the first shard was finished")
        time.sleep(draw.uniform(0, LONGEST_PAUSE_SECONDS))  # the random moment
        trouble.make(draw.choice(trouble.KINDS))
        if draw.random() < 0.5:
            trouble.mend()
    trouble.mend()


def write(report):
    path = os.environ.get("WINNOW_DRILL_REPORT")
    if path:
        failed = sum(max(1, len(run["done"])) for run in report["runs"] if run["error"])
        drills = sum(len(run["done"]) for run in report["runs"])
        Path(path).write_text(json.dumps(report | {"drills": drills, "drills_failed": failed}, indent=2))

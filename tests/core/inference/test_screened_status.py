"""`winnow status` of a run with screening."""

import pytest

from deployments.commands.status import describe
from tasks.core.inference.draws_run import plan_of_draws
from tasks.core.inference.pool_draws import draw_shard, first_generation
from tasks.core.inference.scoring import score_shard
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.status.read_status import read_status
from tests.support.run_marks import fail
from tests.support.screened_runs import SHORT, screen, screened_plan

pytestmark = pytest.mark.slow


def test_status_says_how_far_the_draws_are_scored_before_any_shard_is(tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines)
    folder = RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    status = read_status(folder.path)
    assert (status.certified, status.draws) == (False, None)
    assert "draws   no row is drawn yet" in describe(status)
    _, generation = first_generation(plan)
    for shard in plan.shards:
        draw_shard(plan, shard, folder, generation)
    draws, place = plan_of_draws(plan, folder, generation)
    write_plan(draws, place)
    score_shard(draws, draws.shards[0], place)
    fail(place, 1, "no space")
    status, first = read_status(folder.path), draws.shards[0].rows
    assert (status.done, status.draws.done, status.draws.failed, status.draws.rows_done) == (0, 1, 1, first)
    said = describe(status)
    assert f"draws   {first:,} of {draws.rows:,} drawn rows are scored" in said
    assert f"{len(draws.shards)} shards: 1 done, 0 running, 1 failed" in said
    assert "failed: OSError on 1 shard, of the draws: 00001" in said
    screen(plan, folder)
    status = read_status(folder.path)
    assert (status.certified, status.draws.is_finished, status.done) == (True, True, 0)
    assert "(100.0%)" in describe(status)
    assert "the screening is certified" in describe(status)


def test_status_of_a_draw_that_grew_is_that_of_the_latest(tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines, **SHORT)
    folder = RunFolder(tmp_path / "run")
    drawn = sum(screen(plan, folder).drawn.values())
    (folder.screening_path / "iter_0-draws-000000000000-draws").mkdir()
    assert read_status(folder.path).draws.rows == drawn

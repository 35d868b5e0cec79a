"""Drills on the Dask workers: killed at random moments, and another number of them when the run goes on."""

import os
import time

import psutil
import pytest
import yaml

from tasks.core.runs.status.signs_of_life import read_running_shards
from tests.support.soundness import require_sound

pytestmark = pytest.mark.drill

KILLS = int(os.environ.get("WINNOW_KILLS", "7"))
"""A longer drill has 20."""
KILLS_A_RUN = 7
LONGEST_PAUSE_SECONDS = 2.0
HITS = KILLS // 2
"""Of the kills, so many at least must hit a worker in the middle of a shard; there are more kills until they do."""
MOST_RUNS = 8


def workers_at_work(drill, launch) -> list[psutil.Process]:
    """Return the workers that have begun a shard; one that still starts has nothing to lose."""
    folder = drill.folder
    names = {path.stem for path in folder.path.glob("logs/*/*.log")}
    names |= {shard.worker for shard in read_running_shards(folder)}
    pids = {int(name.rpartition("-")[2]) for name in names}
    return [worker for worker in launch.workers() if worker.pid in pids]


def kill_a_worker(drill, launch, draw) -> bool | None:
    """Kill a worker that is at work; return whether it died in the middle of a shard, or None when none was alive."""
    alive = workers_at_work(drill, launch)
    if not alive:
        return None
    victim = draw.choice(alive)
    victim.kill()
    psutil.wait_procs([victim])
    # A worker that is killed at a shard leaves its marker; one that was not leaves none.
    return any(shard.worker.endswith(f"-{victim.pid}") for shard in read_running_shards(drill.folder))


def kill_workers(drill, draw) -> list[bool]:
    """Start a run and kill some workers while it works; return which of them died in the middle of a shard."""
    launch, hits = drill.launch(), []
    launch.wait_until(drill.finished_shards, "the first shard was finished")
    while len(hits) < KILLS_A_RUN and not drill.is_scored():
        launch.wait_until(lambda: workers_at_work(drill, launch) or drill.is_scored(), "a worker was at work")
        time.sleep(draw.uniform(0, LONGEST_PAUSE_SECONDS))  # the random moment
        hit = None if drill.is_scored() else kill_a_worker(drill, launch, draw)
        hits += [] if hit is None else [hit]
    launch.require_finished()
    return hits


def test_workers_killed_at_random_moments_leave_no_trace_in_the_scores(make_drill, draw):
    hits: list[bool] = []
    for _ in range(MOST_RUNS):
        drill = make_drill("many")
        hits += kill_workers(drill, draw)
        require_sound(drill.folder, drill.undisturbed)
        if len(hits) >= KILLS and sum(hits) >= HITS:
            break
    print(f"{len(hits)} workers killed, {sum(hits)} of them in the middle of a shard")  # noqa: T201
    assert len(hits) >= KILLS
    assert sum(hits) >= HITS


def test_another_number_of_workers_goes_on_with_the_run(make_drill, tmp_path):
    drill = make_drill("few")
    profiles = {workers: tmp_path / f"workers-{workers}.yaml" for workers in (1, 2)}
    for workers, path in profiles.items():
        path.write_text(yaml.safe_dump({"kind": "local", "workers": workers}))
    launch = drill.launch(cluster=str(profiles[1]))
    launch.wait_until(lambda: drill.finished_shards() >= 20, "half of the shards were finished")
    assert len(launch.workers()) == 1
    launch.kill()
    done = {path: path.stat().st_mtime_ns for path in (drill.folder.path / "receipts").glob("[0-9]*.json")}
    assert 20 <= len(done) < 40

    launch = drill.launch(cluster=str(profiles[2]))
    launch.wait_until(lambda: len(launch.workers()) == 2, "two workers were alive")
    launch.require_finished()
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in done.items())
    require_sound(drill.folder, drill.undisturbed)

"""Two launches and their workers, suspended and killed at any moment: a finished run's bytes never change.

WINNOW_SCHEDULES=10000 draws so many orders of their steps; the drill does so by itself.
"""

import os
import shutil
from contextlib import suppress
from types import SimpleNamespace

import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming.run_names import HOLDER_FILE
from tasks.core.runs import launch_lock as lock_module
from tasks.core.runs import launch_sign, left_overs
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import launch_lock
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.inference import find_unfinished
from tasks.shards import score_block
from tests.support.interleaving import KilledError, World, taking_turns
from tests.support.quick_runs import quick_engines, quick_plan, require_clean

SCHEDULES = int(os.environ.get("WINNOW_SCHEDULES", "50"))
TRIES = 4
"""A launch that was refused, or did not get the run finished, is made so often."""
ATTEMPTS = 3


class Simulation:
    """A run, two launches of it, and what they leave."""

    def __init__(self, world, plan, folder):
        self.world, self.plan, self.folder = world, plan, folder
        self.finished = None
        self.launches = 0
        world.each_step = self.look

    def look(self):
        """Compare a finished run with what it was."""
        if self.finished is not None:
            assert self.stamps() == self.finished

    def stamps(self):
        """Return which files make the run, with inode and size."""
        found = {}
        for folder in ("output/positive", "output/negative", "quarantine", "receipts", "."):
            for entry in os.scandir(self.folder.path / folder):
                if entry.is_file() and not entry.name.startswith(".") and entry.name != "resources.json":
                    stat = entry.stat()
                    found[f"{folder}/{entry.name}"] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return found

    def launch(self, process):
        """Do as the flow does, without Prefect."""
        with launch_lock(self.folder.path) as token:
            rows = find_unfinished(self.plan, self.folder)
            if rows:
                self.score(process, token)
            write_manifest(self.plan, self.folder, Launch(rows, 1.0))
            # Only this thread is awake: the run is as its launch left it.
            self.finished = self.finished or self.stamps()

    def score(self, process, token):
        """Give each shard to a worker of its own; to others where the first ones die or are given up."""
        blocks = dict.fromkeys((shard.number for shard in self.plan.shards), 0)
        workers = {}
        while blocks:
            for number in list(blocks):
                worker = workers.get(number)
                if worker is None or self.is_lost(worker):
                    blocks[number] += 1
                    if blocks[number] > ATTEMPTS:
                        raise RunFolderError("given up")
                    workers[number] = self.work(process, number, token)
                elif worker.ended:
                    if worker.error is not None:
                        raise worker.error
                    del blocks[number]
            self.world.step()

    def is_lost(self, worker):
        """Say whether Dask takes a worker for lost: it is dead, or asleep and was given up."""
        asleep = worker.process.paused_until > self.world.steps
        return worker.process.killed or (not worker.ended and asleep and self.world.draw.random() < 0.1)

    def work(self, process, number, token):
        worker = self.world.process(f"{process.name} at {number}")
        return self.world.start(worker, lambda: score_block.fn(str(self.folder.path), (number,), token))

    def relaunch(self, process):
        """Launch until the run is finished, or for as often as a person tries."""
        for _ in range(TRIES):
            try:
                return self.launch(process)
            except RunFolderError:
                for _ in range(30):
                    self.world.step()
        return None

    def add_launch(self):
        self.launches += 1
        process = self.world.process(f"launch {self.launches}")
        return self.world.start(process, lambda: self.relaunch(process))


@pytest.fixture(scope="module")
def plan(tmp_path_factory, tiny_engines):
    return quick_plan(tmp_path_factory.mktemp("sample") / "texts", tiny_engines)


def simulate(seed, plan, path):
    """Run one schedule."""
    world = World(seed)
    simulation = Simulation(world, plan, RunFolder(path))
    with pytest.MonkeyPatch.context() as patch, quick_engines(plan):
        patch.setattr(launch_sign, "file_time", lambda _: world.clock)
        patch.setattr(lock_module, "LOOK_SECONDS", 0.0)
        patch.setattr(left_overs, "LOOK_AGAIN_SECONDS", 0.0)
        patch.setattr(lock_module, "threading", beating(world))
        patch.setattr(lock_module, "write_json", stamped(world, lock_module.write_json))
        with taking_turns(world):
            simulation.add_launch(), simulation.add_launch()
            world.run()
            world.calm = True
            world.clock += 2 * launch_sign.STALE_SECONDS
            last = simulation.add_launch()
            world.run()
    check_errors(world)
    assert last.error is None
    check_run(simulation)


def beating(world):
    """Return what stands for `threading` in the lock: the beats are an actor of the launch's process."""

    class Event:
        def __init__(self):
            self.is_set = False

        def wait(self, _):
            world.step()
            return self.is_set

        def set(self):
            self.is_set = True

    class Thread:
        def __init__(self, target, args, daemon):
            assert daemon
            self.act = lambda: target(*args)

        def start(self):
            self.actor = world.start(world._mine.actor.process, self.act)

        def join(self):
            while not self.actor.ended:
                world.step()

    return SimpleNamespace(Event=Event, Thread=Thread)


def stamped(world, write):
    """Return a way to write the sign that gives it the file system's time."""

    def write_now(path, content):
        write(path, content)
        if path.name == HOLDER_FILE:
            with suppress(FileNotFoundError):
                os.utime(path)

    return write_now


def check_errors(world):
    """Whoever failed, did so with an error of ours."""
    strange = [
        actor.error for actor in world.actors if not isinstance(actor.error, RunFolderError | KilledError | None)
    ]
    for error in strange:
        raise error


def check_run(simulation):
    assert simulation.finished is not None
    simulation.look()
    require_clean(simulation.plan, simulation.folder)


def simulate_all(first, count, plan, tmp_path):
    for seed in range(first, first + count):
        try:
            simulate(seed, plan, tmp_path / "run")
        except BaseException as error:
            error.add_note(f"schedule {seed}")
            raise
        shutil.rmtree(tmp_path / "run")


@pytest.mark.slow
def test_of_two_launches_and_late_workers_none_changes_a_finished_run(plan, tmp_path):
    simulate_all(0, SCHEDULES, plan, tmp_path)


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_of_two_launches_and_late_workers_none_changes_a_finished_run_in_ten_thousand_schedules(plan, tmp_path):
    simulate_all(SCHEDULES, 10_000 - SCHEDULES, plan, tmp_path)

"""Two launches and their workers, suspended and killed at any moment: a finished run's bytes never change.

WINNOW_SCHEDULES=10000 draws so many orders of their steps; the drill does so by itself.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.base.hold import discard
from tasks.core.base.naming import HOLDER_FILE
from tasks.core.engines import loading
from tasks.core.inference import scoring
from tasks.core.round.sections import Inference, Sample
from tasks.core.runs import launch_lock as lock_module
from tasks.core.runs import launch_sign
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import launch_lock
from tasks.core.runs.manifest import Launch, read_manifest, write_manifest
from tasks.inference import find_unfinished
from tasks.shards import score_block
from tests.support.interleaving import KilledError, World, taking_turns
from tests.support.plans import plan_of

SCHEDULES = int(os.environ.get("WINNOW_SCHEDULES", "200"))
ROWS = 9
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
                discard(self.folder.manifest_path)
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


class Engine:
    """Gives logits that follow from the number of texts, and differ a little from process to process."""

    def __init__(self, world):
        self.world = world

    def logits(self, tokens, _):
        shift = self.world.now() % 1 * 1e-3
        return np.array([[0.0, len(text) / 8 + shift] for text in tokens], dtype=np.float32)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    texts = ["good", "bad word", None, "good", "word1", "word2 word3", "bad", "", "good bad"]
    assert len(texts) == ROWS
    pq.write_table(pa.table({"tweet_id": range(ROWS), "text": texts}), folder / "a.parquet")
    return Sample(path=folder)


@pytest.fixture(scope="module")
def plan(sample, tiny_engines):
    return plan_of(sample, tiny_engines, Inference(output_path=Path("runs"), shard_rows=4, batch_tokens=512))


def simulate(seed, plan, path):
    """Run one schedule."""
    world = World(seed)
    simulation = Simulation(world, plan, RunFolder(path))
    with pytest.MonkeyPatch.context() as patch:
        models = {use.folder: loading.open_engine(use.folder, False)[0] for use in plan.engines}
        patch.setattr(scoring, "open_engine", lambda folder, _: (models[folder], Engine(world)))
        patch.setattr(launch_sign, "file_time", lambda _: world.clock)
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
    folder = simulation.folder
    assert simulation.finished is not None
    simulation.look()
    counts = read_manifest(simulation.plan, folder)["counts"]
    assert (counts["rows_in"], counts["rows_quarantined"], set(counts["rows_out"].values())) == (ROWS, 1, {ROWS - 1})
    assert [str(finding) for finding in Verification(folder.path).findings()] == []
    assert not [path.name for path in folder.path.iterdir() if path.name.startswith(".")]
    assert not folder.launch_path.exists()
    assert list(folder.running_folder.iterdir()) == []


def simulate_all(first, count, plan, tmp_path):
    for seed in range(first, first + count):
        try:
            simulate(seed, plan, tmp_path / "run")
        except BaseException as error:
            error.add_note(f"schedule {seed}")
            raise
        shutil.rmtree(tmp_path / "run")


def test_of_two_launches_and_late_workers_none_changes_a_finished_run(plan, tmp_path):
    simulate_all(0, SCHEDULES, plan, tmp_path)


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_of_two_launches_and_late_workers_none_changes_a_finished_run_in_ten_thousand_schedules(plan, tmp_path):
    simulate_all(SCHEDULES, 10_000 - SCHEDULES, plan, tmp_path)

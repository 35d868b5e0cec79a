"""Of several attempts at a shard the first receipt wins, and what the others do changes nothing."""

import errno
import os
import shutil
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tasks.core.base import files
from tasks.core.base.errors import DiskFullError, LaunchLostError, RunFolderError
from tasks.core.base.files import link_first, sha256_of_folder
from tasks.core.base.hold import holding
from tasks.core.base.naming.run_names import LAUNCH_FOLDER
from tasks.core.inference import scoring
from tasks.core.inference.scoring import score_shard
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.launch_lock import joined, launch_lock
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.shards import attempts
from tasks.core.runs.shards.receipts import read_receipt, write_receipt
from tasks.core.runs.shards.wholeness import renew_and_find_unfinished, unfinished_shards

KEPT = ("output", "quarantine", "receipts", "manifest.json", "plan.parquet")


def kept(folder):
    """Return the checksums of what makes a finished run."""
    return {name: sha for name, sha in sha256_of_folder(folder.path).items() if name.split("/")[0] in KEPT}


def findings(folder):
    return [str(finding) for finding in Verification(folder.path).findings()]


@pytest.fixture
def overtaken(monkeypatch):
    """Return a function that scores a shard, and calls another just before the attempt is committed."""

    def score(plan, shard, folder, meanwhile):
        commit = attempts.Attempt.commit

        def late(tried, *given):
            monkeypatch.setattr(attempts.Attempt, "commit", commit)
            meanwhile()
            return commit(tried, *given)

        monkeypatch.setattr(attempts.Attempt, "commit", late)
        return score_shard(plan, shard, folder)

    return score


def finish(plan, folder):
    """Launch once more, to the end."""
    with launch_lock(folder.path):
        for number in renew_and_find_unfinished(plan, folder):
            score_shard(plan, plan.shards[number], folder)
        write_manifest(plan, folder, Launch(97, 1.0))


def test_a_fault_just_after_the_receipt_is_linked_costs_no_scoring(make_named_run, monkeypatch):
    plan, folder = make_named_run(score=False)
    fsync, scored = files.fsync, []

    def struck(path):
        if path == folder.receipts_folder and not scored:
            scored.append(path)
            raise OSError(errno.EIO, "Input/output error")
        fsync(path)

    monkeypatch.setattr(files, "fsync", struck)
    with launch_lock(folder.path):
        with pytest.raises(OSError, match="Input/output error"):
            score_shard(plan, plan.shards[0], folder)
        monkeypatch.setattr(scoring, "read_shard_rows", None)  # nothing is scored again
        assert score_shard(plan, plan.shards[0], folder) == read_receipt(folder, 0)
    assert unfinished_shards(plan, folder) == [1, 2]


def test_a_full_disk_when_an_attempt_is_linked_says_what_to_do(make_named_run, monkeypatch):
    plan, folder = make_named_run(score=False)

    def full(*_):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "link", full)
    with launch_lock(folder.path), pytest.raises(DiskFullError, match="Make room"):
        score_shard(plan, plan.shards[0], folder)


@pytest.mark.parametrize("in_launch", [False, True])
def test_a_late_worker_changes_nothing_of_a_finished_run(make_named_run, overtaken, monkeypatch, in_launch):
    plan, folder = make_named_run(score=False)
    finished = {}

    def finish_without_it():
        # The other worker's scores differ in their last bits, as another kind of CPU's may.
        monkeypatch.setattr(scoring, "label_scores", lambda *given: scores(*given) * (1 - 1e-12))
        for shard in plan.shards:
            score_shard(plan, shard, folder)
        write_manifest(plan, folder, Launch(97, 1.0))
        finished.update(kept(folder))
        monkeypatch.setattr(scoring, "label_scores", scores)

    scores = scoring.label_scores
    with ExitStack() as stack:
        if in_launch:
            stack.enter_context(launch_lock(folder.path))
        receipt = overtaken(plan, plan.shards[1], folder, finish_without_it)
    assert receipt == read_receipt(folder, 1)
    assert kept(folder) == finished
    assert findings(folder) == []


def test_a_worker_of_a_launch_that_was_taken_over_changes_nothing(make_named_run, overtaken, tmp_path):
    plan, folder = make_named_run(score=False)
    with launch_lock(folder.path) as token:
        seen = {}

        def take_over():
            (folder.launch_path / token).rename(tmp_path / "ended")
            with holding(tmp_path, tmp_path):
                finish(plan, folder)
            seen.update(kept(folder))

        with joined(folder.path, token), pytest.raises(LaunchLostError, match="another launch took over"):
            overtaken(plan, plan.shards[1], folder, take_over)
        assert kept(folder) == seen
        assert list(folder.launch_path.parent.glob("launch/*")) == []
        folder.manifest_path.unlink()
        with pytest.raises(LaunchLostError):
            write_manifest(plan, folder, Launch(1, 1.0))
    assert not folder.manifest_path.exists()


def unpublished(plan, folder, monkeypatch, number=1):
    """Let a worker die after its receipt was linked, before its parts are in their places."""

    class DeadError(BaseException):
        pass

    def die(*_):
        raise DeadError

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "_publish", die)
        with pytest.raises(DeadError):
            score_shard(plan, plan.shards[number], folder)
    assert folder.receipt_path(number).is_file()
    assert number in unfinished_shards(plan, folder)


def test_parts_whose_worker_died_are_put_into_their_places_by_the_next_worker(make_named_run, monkeypatch):
    plan, folder = make_named_run(score=False)
    with launch_lock(folder.path):
        unpublished(plan, folder, monkeypatch)
        receipt = read_receipt(folder, 1)
        monkeypatch.setattr(scoring, "open_engine", None)  # nothing is scored
        assert score_shard(plan, plan.shards[1], folder) == receipt
        assert unfinished_shards(plan, folder) == [0, 2]


@pytest.mark.parametrize("killed", [False, True])
def test_parts_whose_worker_died_are_put_into_their_places_by_the_next_launch(make_named_run, monkeypatch, killed):
    plan, folder = make_named_run(score=False)
    with launch_lock(folder.path) as token:
        unpublished(plan, folder, monkeypatch)
        receipt = read_receipt(folder, 1)
        if killed:
            shutil.copytree(folder.launch_path / token, folder.path / f".{LAUNCH_FOLDER}.{token}.ended.tmp")
            shutil.rmtree(folder.launch_path / token)
    with launch_lock(folder.path):
        assert renew_and_find_unfinished(plan, folder) == [0, 2]
    finish(plan, folder)
    assert read_receipt(folder, 1) == receipt
    assert findings(folder) == []


def test_parts_of_a_worker_that_died_outside_a_launch_are_found_too(make_named_run, monkeypatch):
    plan, folder = make_named_run(score=False)
    unpublished(plan, folder, monkeypatch)
    finish(plan, folder)
    assert findings(folder) == []
    assert not [path for path in folder.path.iterdir() if path.name.startswith(".")]


def test_a_launch_sweeps_what_dead_ones_left(make_named_run):
    plan, folder = make_named_run(score=False)
    left = [
        folder.path / ".00001-0123456789abcdef0123456789abcdef.tmp" / "output" / "positive" / "part-00001.parquet",
        folder.path / ".duplicate-ids-x.tmp" / "spill",
        folder.path / ".manifest.json.x.tmp",
        folder.receipts_folder / ".00001.json.x.tmp",
        folder.running_path(2),
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left")
    finish(plan, folder)
    assert findings(folder) == []
    assert not any(path.exists() for path in left)


def test_a_receipt_whose_shard_is_not_whole_makes_way_for_the_next_attempt(make_named_run):
    plan, folder = make_named_run()
    folder.output_path("negative", 1).unlink()
    folder.receipt_path(2).write_text("{")
    finish(plan, folder)
    assert findings(folder) == []


def test_a_receipt_that_a_launch_finds_in_its_way_is_not_replaced(make_named_run, overtaken):
    plan, folder = make_named_run(score=False)
    with launch_lock(folder.path), pytest.raises(RunFolderError, match="scores the shard anew"):
        overtaken(plan, plan.shards[1], folder, lambda: plant_torn(folder))
    finish(plan, folder)
    assert findings(folder) == []


def plant_torn(folder):
    folder.receipts_folder.mkdir(exist_ok=True)
    folder.receipt_path(1).write_text("{")


def test_a_link_that_the_server_made_although_it_says_there_is_one_counts(tmp_path, monkeypatch):
    made, path = tmp_path / "made", tmp_path / "path"
    made.write_text("whole")
    link = os.link

    def twice(*given):
        link(*given)
        link(*given)

    monkeypatch.setattr(os, "link", twice)
    assert link_first(made, path)
    other = tmp_path / "other"
    other.write_text("late")
    assert not link_first(other, path)
    assert path.read_text() == "whole"


@pytest.mark.parametrize("named", ["another's", "/../other/"])
def test_a_receipt_that_names_another_attempt_moves_and_removes_nothing(make_named_run, tmp_path, named):
    plan, folder = make_named_run()
    with attempts.attempt(folder, plan.shards[2]) as tried:
        left = tmp_path / "other" / ".tmp" / "output" / "file"
        for own in (left, tried.own(folder.output_path("negative", 2))):
            own.parent.mkdir(parents=True)
            own.write_bytes(b"half")
        receipt = read_receipt(folder, 1)
        write_receipt(replace(receipt, attempt=tried.name if named == "another's" else named), folder)
        before = kept(folder)
        assert attempts.settled(plan, folder, plan.shards[1]) is None
        assert kept(folder) == before
        assert left.read_bytes() == own.read_bytes() == b"half"

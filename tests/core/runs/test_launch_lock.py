import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.core.base.errors import LaunchLostError, RunFolderError
from tasks.core.base.files import file_time, write_json
from tasks.core.base.hold import discard
from tasks.core.base.naming.run_names import HOLDER_FILE, LAUNCH_FOLDER, ended_launch_folder
from tasks.core.base.processes import this_process
from tasks.core.runs import launch_lock as module
from tasks.core.runs import left_overs
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import joined, launch_lock
from tasks.core.runs.launch_sign import STALE_SECONDS
from tasks.core.runs.shards import attempts
from tasks.core.runs.status.signs_of_life import read_launch
from tests.support.run_marks import HOLD
from tests.support.waiting import wait_for


@pytest.fixture
def other_launch(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def sign_of(folder):
    """Return the sign of life of the launch that holds a folder."""
    (place,) = (folder / LAUNCH_FOLDER).iterdir()
    return place / HOLDER_FILE


def age(folder, seconds):
    """Let a launch have been silent for so long."""
    then = time.time() - seconds
    os.utime(sign_of(folder), (then, then))


def test_a_second_launch_is_refused_while_the_first_lives(other_launch, tmp_path):
    with (
        pytest.raises(RunFolderError, match=rf"another launch works on .*: process {other_launch.pid} on .* since"),
        launch_lock(tmp_path),
    ):
        pass
    assert sign_of(tmp_path).is_file()


def test_a_killed_launchs_lock_is_taken_over_at_once(other_launch, tmp_path):
    other_launch.kill()
    other_launch.wait()
    with launch_lock(tmp_path):
        assert sign_of(tmp_path).is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_another_host_is_taken_over_when_it_shows_no_life(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    lock = launch_lock(tmp_path)
    lock.__enter__()
    monkeypatch.undo()
    with pytest.raises(RunFolderError, match="on elsewhere"), launch_lock(tmp_path):
        pass
    age(tmp_path, STALE_SECONDS + 1)
    with launch_lock(tmp_path):
        lock.__exit__(None, None, None)  # the old one ends, and must not take the new one's lock away
        assert sign_of(tmp_path).is_file()


def test_a_launch_shows_that_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    with launch_lock(tmp_path):
        os.utime(sign_of(tmp_path), (1, 1))
        wait_for(lambda: sign_of(tmp_path).stat().st_mtime > 2, "the sign was touched again")


def test_the_lock_goes_when_the_launch_fails(tmp_path):
    with pytest.raises(ValueError, match="planted"), launch_lock(tmp_path):
        raise ValueError("planted")
    assert list(tmp_path.iterdir()) == []


def plant(folder, process, **changes):
    """Leave the sign of a launch of some process in a folder."""
    sign = {**process.as_json(), "started_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "token": "t"} | changes
    write_json(folder / LAUNCH_FOLDER / "t" / HOLDER_FILE, sign)


def test_a_launch_whose_pid_another_process_got_since_is_taken_over_at_once(tmp_path):
    me = this_process()
    plant(tmp_path, me)
    with pytest.raises(RunFolderError, match=f"process {me.pid} on"), launch_lock(tmp_path):
        pass
    boot, tick = me.start.split(".")
    plant(tmp_path, replace(me, start=f"{boot}.{int(tick) - 1}"))
    with launch_lock(tmp_path):
        assert json.loads(sign_of(tmp_path).read_text())["start"] == me.start


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"host": 1}', '{"pid": "x", "started_at": "then"}', None])
def test_a_torn_sign_holds_until_it_is_silent(tmp_path, content):
    plant(tmp_path, this_process())
    if content is None:
        sign_of(tmp_path).unlink()
    else:
        sign_of(tmp_path).write_text(content)
    with pytest.raises(RunFolderError, match="another launch works on"), launch_lock(tmp_path):
        pass
    if content is not None:
        age(tmp_path, STALE_SECONDS + 1)
        with launch_lock(tmp_path):
            pass


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_goes_wrong_neither_steals_a_live_launchs_hold_nor_keeps_a_dead_ones(
    other_launch, tmp_path, monkeypatch, hours
):
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours)
    with pytest.raises(RunFolderError, match="another launch works on"), launch_lock(tmp_path):
        pass
    monkeypatch.setattr(module, "is_gone", lambda _: False)
    then = now() - STALE_SECONDS - 1
    os.utime(sign_of(tmp_path), (then, then))
    with launch_lock(tmp_path):
        pass


def test_a_launch_that_was_taken_over_changes_nothing_and_keeps_nobodys_hold_alive(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(module, "is_gone", lambda _: False)
    kept = tmp_path / "kept"
    with launch_lock(tmp_path) as old:
        # As another host sees it: suspended, until it shows life again after the new one is in.
        monkeypatch.setattr(module, "silent_seconds", lambda *_: STALE_SECONDS)
        newer = launch_lock(tmp_path)
        new = newer.__enter__()
        write_json(kept, ["of the new one"])
        monkeypatch.undo()
        with joined(tmp_path, new):
            os.utime(sign_of(tmp_path), (1, 1))
        newer.__exit__(None, None, None)
        assert old != new
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
        with pytest.raises(LaunchLostError, match="another launch took over"):
            write_json(kept, ["of the old one"])
        with pytest.raises(LaunchLostError, match="another launch took over"):
            discard(kept)
    with pytest.raises(LaunchLostError), joined(tmp_path, old):
        pass
    assert json.loads(kept.read_text()) == ["of the new one"]


def test_a_worker_on_a_node_that_has_not_seen_its_launch_yet_looks_again(tmp_path, monkeypatch):
    """A node that looked before the launch began may take the folder for absent for a while."""
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)
    listed, looks = os.listdir, []

    def cached(path):
        looks.append(path)
        return [] if len(looks) < 4 else listed(path)

    with launch_lock(tmp_path) as token:
        monkeypatch.setattr(module.os, "listdir", cached)
        with joined(tmp_path, token):
            assert len(looks) > 4
        with pytest.raises(LaunchLostError), joined(tmp_path, "another's"):
            pass


def test_a_launch_begins_when_late_workers_of_an_ended_one_can_write_no_more(tmp_path, monkeypatch):
    """A worker on a node that has not heard of the takeover writes where the ended launch's place is now."""
    monkeypatch.setattr(left_overs, "LOOK_AGAIN_SECONDS", 0.01)
    place = tmp_path / ended_launch_folder("t")
    place.mkdir()
    remove, removals = shutil.rmtree, []

    def remove_beside_a_writer(path, **settings):
        remove(path, **settings)
        removals.append(path)
        if path == place and len(removals) < 4:
            write_json(place / "late", ["a part"])

    monkeypatch.setattr(attempts.shutil, "rmtree", remove_beside_a_writer)
    with launch_lock(tmp_path):
        assert len(removals) >= 4
        assert not place.exists()


def test_a_launch_names_workers_of_an_ended_one_that_never_stop(tmp_path, monkeypatch):
    monkeypatch.setattr(left_overs, "WORKERS_END_SECONDS", 0.05)
    monkeypatch.setattr(left_overs, "LOOK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(attempts.shutil, "rmtree", lambda *_, **__: None)
    place = tmp_path / ended_launch_folder("t")
    write_json(place / "late", ["a part"])
    with pytest.raises(RunFolderError, match="still write there \\(late\\)"), launch_lock(tmp_path):
        pass


def test_two_launches_that_both_find_a_dead_one_get_in_one_by_one(tmp_path, monkeypatch):
    """Step by step by hand: both judge, the first gets in, then the second goes on with what it judged."""
    me = this_process()
    boot, tick = me.start.split(".")
    plant(tmp_path, replace(me, start=f"{boot}.{int(tick) - 1}"))
    first = launch_lock(tmp_path)
    judged = module.is_gone
    held = []

    def judge_and_be_overtaken(process):
        gone = judged(process)
        monkeypatch.setattr(module, "is_gone", judged)
        held.append(first.__enter__())
        return gone

    monkeypatch.setattr(module, "is_gone", judge_and_be_overtaken)
    with pytest.raises(RunFolderError, match="another launch"), launch_lock(tmp_path):
        pass
    assert [sign_of(tmp_path).parent.name] == held
    first.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_taker_left_half_way_is_no_obstacle(tmp_path):
    (tmp_path / LAUNCH_FOLDER).mkdir()
    (tmp_path / ended_launch_folder("t")).mkdir()
    with launch_lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_file_in_the_launchs_place_stops_no_launch_for_ever(tmp_path):
    (tmp_path / LAUNCH_FOLDER).mkdir()
    stray = tmp_path / LAUNCH_FOLDER / ".DS_Store"
    stray.touch()
    assert read_launch(RunFolder(tmp_path)) is None
    then = time.time() - STALE_SECONDS - 1
    os.utime(stray, (then, then))
    with launch_lock(tmp_path):
        assert read_launch(RunFolder(tmp_path)).pid == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_probe_of_the_time_that_a_launch_sweeps_is_no_error(tmp_path, monkeypatch):
    opened = tempfile.mkstemp

    def swept(**settings):
        handle, name = opened(**settings)
        Path(name).unlink()
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", swept)
    assert abs(file_time(tmp_path) - time.time()) < 60

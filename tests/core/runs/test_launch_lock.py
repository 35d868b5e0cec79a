import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming import LOCK_FILE
from tasks.core.base.processes import this_process
from tasks.core.runs import launch_lock as module
from tasks.core.runs.launch_lock import launch_lock
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


def test_a_second_launch_is_refused_while_the_first_lives(other_launch, tmp_path):
    with (
        pytest.raises(RunFolderError, match=rf"another launch works on .*: process {other_launch.pid} on .* since"),
        launch_lock(tmp_path),
    ):
        pass
    assert (tmp_path / LOCK_FILE).is_file()


def test_a_killed_launchs_lock_is_taken_over_at_once(other_launch, tmp_path):
    other_launch.kill()
    other_launch.wait()
    with launch_lock(tmp_path):
        assert (tmp_path / LOCK_FILE).is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_another_host_is_taken_over_when_it_shows_no_life(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    lock = launch_lock(tmp_path)
    lock.__enter__()
    monkeypatch.undo()
    with pytest.raises(RunFolderError, match="on elsewhere"), launch_lock(tmp_path):
        pass
    long_ago = time.time() - module.STALE_SECONDS - 1
    os.utime(tmp_path / LOCK_FILE, (long_ago, long_ago))
    with launch_lock(tmp_path):
        lock.__exit__(None, None, None)  # the old one ends, and must not take the new one's lock away
        assert (tmp_path / LOCK_FILE).is_file()


def test_a_launch_shows_that_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    with launch_lock(tmp_path):
        os.utime(tmp_path / LOCK_FILE, (1, 1))
        wait_for(lambda: (tmp_path / LOCK_FILE).stat().st_mtime > 2, "the lock was touched again")


def test_the_lock_goes_when_the_launch_fails(tmp_path):
    with pytest.raises(ValueError, match="planted"), launch_lock(tmp_path):
        raise ValueError("planted")
    assert list(tmp_path.iterdir()) == []


def planted(folder, process, **changes):
    """Write the lock of a launch in this process, or of an older version, into a folder."""
    lock = {**process.as_json(), "started_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "token": "t"} | changes
    (folder / LOCK_FILE).write_text(json.dumps(lock))


def test_a_lock_whose_pid_another_process_got_since_is_taken_over_at_once(tmp_path):
    me = this_process()
    planted(tmp_path, me)
    with pytest.raises(RunFolderError, match=f"process {me.pid} on"), launch_lock(tmp_path):
        pass
    boot, tick = me.start.split(".")
    planted(tmp_path, replace(me, start=f"{boot}.{int(tick) - 1}"))
    with launch_lock(tmp_path):
        assert json.loads((tmp_path / LOCK_FILE).read_text())["start"] == me.start


@pytest.mark.parametrize(("started_at", "is_held"), [("2020-01-01T00:00:00+0000", False), (None, True)])
def test_a_lock_of_an_older_version_holds_no_start_and_is_understood(tmp_path, started_at, is_held):
    planted(tmp_path, this_process())
    lock = json.loads((tmp_path / LOCK_FILE).read_text())
    del lock["start"], lock["slurm_job"]
    (tmp_path / LOCK_FILE).write_text(json.dumps(lock | ({"started_at": started_at} if started_at else {})))
    if is_held:
        with pytest.raises(RunFolderError, match="another launch works on"), launch_lock(tmp_path):
            pass
    else:
        with launch_lock(tmp_path):
            pass


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"host": 1}', '{"pid": "x", "started_at": "then"}'])
def test_a_torn_lock_is_held_until_it_is_silent(tmp_path, content):
    (tmp_path / LOCK_FILE).write_text(content)
    with pytest.raises(RunFolderError, match="another launch works on"), launch_lock(tmp_path):
        pass

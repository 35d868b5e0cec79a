import os
import subprocess
import sys
import time

import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.runs import launch_lock as module
from tasks.core.runs.launch_lock import LOCK_FILE, launch_lock
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
    monkeypatch.setattr(module.socket, "gethostname", lambda: "elsewhere")
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

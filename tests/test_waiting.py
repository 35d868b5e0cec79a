"""Waits of tests end on a sign, and not on a clock."""

import itertools
import subprocess
import sys

import psutil
import pytest

from tests.support import waiting
from tests.support.waiting import is_alive, wait_for


@pytest.fixture
def pauses(monkeypatch):
    """A list of the pauses that waits make; none is slept."""
    made = []
    monkeypatch.setattr(waiting.time, "sleep", made.append)
    return made


def test_what_comes_is_returned(pauses):
    answers = iter(["", None, [], "there"])
    assert wait_for(lambda: next(answers), "it came") == "there"
    assert len(pauses) == 3


def test_a_wait_ends_with_what_it_waits_for(pauses):
    lives = iter([True, True, False])
    with pytest.raises(AssertionError, match=r"ended before the job ran\s+last words"):
        wait_for(lambda: False, "the job ran", alive=lambda: next(lives), told=lambda: "last words")
    assert len(pauses) == 2


def test_what_came_with_the_end_counts(pauses):
    answers = iter([0, 7])
    assert wait_for(lambda: next(answers), "it came", alive=lambda: False) == 7


def test_a_wait_lasts_while_there_is_progress_and_ends_when_all_stands_still(pauses):
    most = int(waiting.LAST_RESORT_SECONDS / waiting.PAUSE_SECONDS)
    done = itertools.count()
    with pytest.raises(AssertionError, match="stood still before it came"):
        wait_for(lambda: False, "it came", progress=lambda: min(next(done), 2 * most))
    assert len(pauses) == pytest.approx(3 * most, abs=3)


def test_a_dead_process_that_nobody_asked_for_is_not_alive():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    seen = psutil.Process(process.pid)
    assert is_alive(seen)
    process.stdin.close()
    wait_for(lambda: seen.status() == psutil.STATUS_ZOMBIE, "it was a zombie")
    assert not is_alive(seen)
    process.wait()
    assert not is_alive(seen)

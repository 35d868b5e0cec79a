import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.core.base import aside_names
from tasks.core.base.aside_names import LONGEST, aside_name, is_aside_name, maker_of
from tasks.core.base.files import write_text
from tasks.core.base.folders_aside import ABANDONED_SECONDS, folder_aside, put_in_place, sweep
from tasks.core.base.processes import this_process
from tests.support.power_loss import crash_states, recording

BEGIN = """
import os, sys
from pathlib import Path
from tasks.core.base.files import write_aside
from tasks.core.base.folders_aside import folder_aside
"""
DIE_IN_A_FOLDER = f"""{BEGIN}
with folder_aside(Path(sys.argv[1])) as aside:
    (aside / "part").touch()
    os.kill(os.getpid(), 9)
"""
DIE_IN_A_FILE = f"""{BEGIN}
with write_aside(Path(sys.argv[1])) as aside:
    aside.touch()
    os.kill(os.getpid(), 9)
"""


def die(program, target):
    done = subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    assert done.returncode == -9
    (left,) = target.parent.iterdir()
    return left


def test_a_folder_of_a_killed_process_goes_when_the_next_is_made(tmp_path):
    target = tmp_path / "a.b-c@d" / "us.is_unemployed"
    left = die(DIE_IN_A_FOLDER, target)
    with folder_aside(target) as made:
        assert list(target.parent.iterdir()) == [made]
        assert not left.exists()


@pytest.mark.parametrize("program", [DIE_IN_A_FILE, DIE_IN_A_FOLDER])
def test_what_a_killed_process_left_is_swept_whatever_was_to_come_of_it(tmp_path, program):
    left = die(program, tmp_path / "there" / "x.json")
    write_text(left.with_name("own.json"), "mine")
    sweep(left.parent)
    assert [path.name for path in left.parent.iterdir()] == ["own.json"]
    sweep(tmp_path / "not there")
    sweep(left.with_name("own.json"))


def test_what_a_process_at_work_makes_stays(tmp_path):
    target = tmp_path / "engine"
    with folder_aside(target) as first, folder_aside(target) as second:
        assert sorted(tmp_path.iterdir()) == sorted([first, second])
        (tmp_path / ".engine.other.tmp").write_text("a file")
        sweep(tmp_path)
        assert len(list(tmp_path.iterdir())) == 3
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("silent", [ABANDONED_SECONDS - 60, ABANDONED_SECONDS + 60])
def test_what_another_host_made_goes_when_nobody_has_touched_it_for_days(tmp_path, monkeypatch, silent):
    me = this_process()
    with monkeypatch.context() as patch:
        patch.setattr(aside_names, "this_process", lambda: replace(me, host="node-7.cluster.example"))
        left = tmp_path / aside_name("engine")
    left.mkdir()
    then = time.time() - silent
    os.utime(left, (then, then))
    sweep(tmp_path)
    assert left.exists() == (silent < ABANDONED_SECONDS)


@pytest.mark.parametrize("name", ["a", "a@b-1-2.3.tmp", "ß" * 120, "x" * LONGEST, "two\nlines"])
def test_a_name_says_who_makes_what_and_is_not_too_long(tmp_path, name):
    aside = aside_name(name)
    assert maker_of(aside) == this_process()
    assert is_aside_name(aside)
    assert not is_aside_name(name)
    assert aside != aside_name(name)
    (tmp_path / aside).touch()


def test_a_folder_takes_the_place_of_a_former_one_whole(tmp_path):
    target = tmp_path / "engine"
    for content in ("first", "second"):
        with folder_aside(target) as made:
            (made / content).touch()
            put_in_place(made, target)
        assert [path.name for path in target.iterdir()] == [content]
    assert list(tmp_path.iterdir()) == [target]


def put_by_another(tmp_path, target):
    """Put a folder in place as another process does."""
    other = tmp_path / aside_name("other")
    other.mkdir()
    (other / "others").touch()
    other.rename(target)


@pytest.mark.parametrize("call", [1, 2, 3])
def test_another_that_comes_between_the_steps_is_no_error(tmp_path, monkeypatch, call):
    target, rename, calls = tmp_path / "engine", Path.rename, []
    target.mkdir()
    (target / "former").touch()

    def disturbed(path, place):
        calls.append(path)
        if len(calls) == call:
            if target.is_dir():
                shutil.rmtree(target)
            with monkeypatch.context() as undisturbed:
                undisturbed.setattr(Path, "rename", rename)
                put_by_another(tmp_path, target)
        return rename(path, place)

    monkeypatch.setattr(Path, "rename", disturbed)
    with folder_aside(target) as made:
        (made / "own").touch()
        put_in_place(made, target)
    assert [path.name for path in target.iterdir()] == ["own"]
    assert list(tmp_path.iterdir()) == [target]


def test_what_another_has_put_in_place_meanwhile_stays_where_it_stands(tmp_path):
    target = tmp_path / "seed"
    with folder_aside(target) as made:
        (made / "own").touch()
        put_by_another(tmp_path, target)
        put_in_place(made, target, stands=target.is_dir)
    assert [path.name for path in target.iterdir()] == ["others"]


def test_a_file_that_cannot_be_removed_keeps_no_other_from_being_swept(tmp_path, monkeypatch):
    lefts = [die(DIE_IN_A_FILE, tmp_path / name / "x.json") for name in "ab"]
    (tmp_path / "all").mkdir()
    moved = [left.rename(tmp_path / "all" / left.name) for left in lefts]
    unlink, asked = Path.unlink, []

    def denied(path, missing_ok=False):
        asked.append(path)
        if len(asked) == 1:
            raise PermissionError(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", denied)
    sweep(tmp_path / "all")
    assert sorted(asked) == sorted(moved)
    assert list((tmp_path / "all").iterdir()) == asked[:1]


def test_a_file_where_a_folder_belongs_stays(tmp_path):
    (tmp_path / "engine").write_text("in the way")
    with folder_aside(tmp_path / "engine") as made, pytest.raises(NotADirectoryError):
        put_in_place(made, tmp_path / "engine")
    assert (tmp_path / "engine").read_text() == "in the way"


@pytest.mark.parametrize("stands", [False, True])
def test_what_was_put_in_place_is_whole_after_any_later_power_cut(stands, tmp_path):
    """What it was made from may go at once, such as hours of training."""
    target = tmp_path / "root" / "place"
    (target if stands else target.parent).mkdir(parents=True)
    with recording(target.parent) as recorder, folder_aside(target) as made:
        (made / "inner").mkdir()
        (made / "inner" / "part").write_bytes(b"all of it")
        put_in_place(made, target)
        recorder.moments = recorder.moments[-1:]
    assert {state.get("place/inner/part") for state in crash_states(recorder)} == {b"all of it"}

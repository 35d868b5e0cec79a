import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from tasks.core.base import folders_aside as module
from tasks.core.base.folders_aside import ABANDONED_SECONDS, folder_aside
from tasks.core.base.processes import this_process

MAKE = "import sys; from pathlib import Path; from tasks.core.base.folders_aside import folder_aside\n"


def test_a_folder_of_a_killed_process_goes_when_the_next_is_made(tmp_path):
    target = tmp_path / "a.b-c" / "us.is_unemployed"
    die = f"{MAKE}import os, signal\n(folder_aside(Path(sys.argv[1])) / 'part').touch()\nos.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", die, str(target)], check=False)
    assert done.returncode == -9
    (left,) = target.parent.iterdir()
    made = folder_aside(target)
    assert list(target.parent.iterdir()) == [made]
    assert not left.exists()


def test_a_folder_of_a_process_at_work_stays(tmp_path):
    target = tmp_path / "engine"
    both = [folder_aside(target), folder_aside(target)]
    assert sorted(tmp_path.iterdir()) == sorted(both)
    (tmp_path / ".engine.other.tmp").write_text("a file")
    assert folder_aside(target).is_dir()
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("silent", [ABANDONED_SECONDS - 60, ABANDONED_SECONDS + 60])
def test_a_folder_of_another_host_goes_when_nobody_has_touched_it_for_days(tmp_path, monkeypatch, silent):
    target = tmp_path / "engine"
    me = this_process()
    with monkeypatch.context() as patch:
        patch.setattr(module, "this_process", lambda: replace(me, host="node-7.cluster.example"))
        left = folder_aside(target)
    then = time.time() - silent
    os.utime(left, (then, then))
    folder_aside(target)
    assert left.exists() == (silent < ABANDONED_SECONDS)

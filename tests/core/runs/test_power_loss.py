"""The power goes off at any moment of a launch: whatever is left is sound, and the next launch finishes the run."""

import itertools
import os
import random
import shutil
import time

import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.runs import launch_lock as lock_module
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.status.read_status import read_status
from tests.support.power_loss import crash_states, lay_out, recording
from tests.support.quick_runs import launch, quick_engines, quick_plan, require_clean

SAMPLE = 80
HOUR = 3600


@pytest.fixture(scope="module")
def plan(tmp_path_factory, tiny_engines):
    return quick_plan(tmp_path_factory.mktemp("sample") / "texts", tiny_engines)


@pytest.fixture
def states(plan, tmp_path, monkeypatch):
    """Every state in which a power cut may leave a run that is launched, loses a part and is launched again."""
    monkeypatch.setattr(lock_module, "is_gone", lambda _: True)  # the machine was started anew since
    folder = RunFolder(tmp_path / "first" / "run")
    folder.path.mkdir(parents=True)
    with quick_engines(plan), recording(folder.path) as recorder:
        launch(plan, folder)
        folder.output_path("positive", 1).unlink()
        launch(plan, folder)
    assert {"link", "rename", "replace", "fsync", "unlink"} <= set(recorder.calls)
    return crash_states(recorder)


def check(plan, state, path):
    """Look at a state, launch, and look again."""
    folder = RunFolder(lay_out(state, path))
    then = time.time() - HOUR
    for file in path.rglob("*"):
        os.utime(file, (then, then))
    require_honest(folder)
    with quick_engines(plan):
        launch(plan, folder)
    require_clean(plan, folder)
    shutil.rmtree(path)


def require_honest(folder):
    """Status and verification of what is left say the same, and never that it is finished when it is not sound."""
    try:
        status = read_status(folder.path)
    except RunFolderError:
        assert not folder.manifest_path.exists()
        return
    faults = [finding for finding in Verification(folder.path).findings() if finding.is_error]
    assert status.is_finished == (faults == []), faults
    assert status.done < status.shards or not [fault for fault in faults if "manifest" not in fault.path]


@pytest.mark.slow
def test_any_state_after_a_power_cut_is_sound_and_finished_by_the_next_launch(plan, states, tmp_path):
    found = list(states)
    assert len(found) > 500
    drawn = random.Random(0).sample(found, SAMPLE)  # noqa: S311 - which ones, not a secret
    for number, state in enumerate(drawn):
        check(plan, state, tmp_path / str(number))


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_every_state_after_a_power_cut_is_sound_and_finished_by_the_next_launch(plan, states, tmp_path):
    for number, state in zip(itertools.count(), states, strict=False):
        check(plan, state, tmp_path / str(number))

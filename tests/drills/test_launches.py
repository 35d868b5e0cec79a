"""Drills on whole launches: killed, two at once, and after another engine model was registered."""

import psutil
import pytest

from tasks.core.base.files import sha256_of_folder
from tasks.core.runs.folder import RunFolder
from tests.drills.engine_model import another_engine_model
from tests.support.soundness import read_scores, require_sound, wrong_in
from tests.support.waiting import is_alive, wait_for

pytestmark = pytest.mark.drill


def test_a_flow_killed_twice_is_finished_by_running_it_again(make_drill):
    drill = make_drill("few")
    orphans: list[psutil.Process] = []
    for finished in (8, 24):
        launch = drill.launch()
        launch.wait_until(lambda: drill.finished_shards() >= finished, f"{finished} shards were finished")  # noqa: B023
        orphans += launch.workers()
        launch.kill()
        assert not drill.folder.manifest_path.exists()
        # Started at once: what the orphans still write must not matter.
    assert len(orphans) >= 2
    drill.launch().require_finished()
    require_sound(drill.folder, drill.undisturbed)
    wait_for(lambda: not any(map(is_alive, orphans)), "the orphans ended")
    require_sound(drill.folder, drill.undisturbed)


def test_of_two_launches_at_once_one_is_refused_and_nothing_is_doubled(make_drill):
    drill = make_drill("few")
    both = [drill.launch(), drill.launch()]
    finished, refused = sorted(both, key=lambda launch: launch.wait_for_end())
    refused.require_failed("another launch works on")
    assert f"process {finished.process.pid} on" in refused.log
    finished.require_finished()
    require_sound(drill.folder, drill.undisturbed)
    assert not list(drill.folder.path.glob("**/*.tmp"))


def test_another_engine_model_gets_a_run_folder_of_its_own(half_done, converted, settings, tmp_path):
    """The run that was stopped half way with the old model keeps its files, and can be finished once that serves."""
    drill = half_done(list(range(10, 40)))
    old = drill.folder
    before = sha256_of_folder(old.path)
    with another_engine_model(settings, converted, tmp_path) as label:
        drill.launch().require_finished()
        assert sha256_of_folder(old.path) == before
        (new,) = (RunFolder(path) for path in old.path.parent.iterdir() if path != old.path)
        assert wrong_in(new) == []
        for name, (ids, scores) in read_scores(new).items():
            assert ids == drill.undisturbed[name][0]
            assert (scores != drill.undisturbed[name][1]) == name.startswith(f"output/{label}/")
    drill.launch().require_finished()
    require_sound(old, drill.undisturbed)

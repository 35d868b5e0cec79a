"""The power goes off while a trial of a search is trained to its end."""

from pathlib import Path

import pytest

from tasks.core.base.folders_aside import sweep
from tasks.core.training.search.trial import TrialStep, read_trial, run_trial
from tasks.core.training.trainer import finetune
from tasks.core.training.trainer.workspace import last_whole_checkpoint, workspace_of
from tests.support.recovery import Writer, power_cuts

SAMPLE = 3


@pytest.fixture
def cuts(make_plan, tmp_path):
    plan = make_plan(root=str(tmp_path / "trials"), batch_size=32)
    step = TrialStep(plan, TrialStep(plan, 0).steps)

    def settle():
        for folder in (Path(plan.root), plan.folder):
            sweep(folder)
        last_whole_checkpoint(workspace_of(plan.folder), finetune._best_of)

    writer = Writer(Path(plan.root), lambda: run_trial(step, lambda *_: None), lambda: read_trial(step), settle)
    found = power_cuts(writer)
    assert {"replace", "fsync", "unlink", "rmdir"} <= set(found.calls)
    assert len(found.states) > 100
    return found


@pytest.mark.slow
def test_any_state_after_a_power_cut_is_trained_to_its_end_by_the_next_run(cuts):
    cuts.require_recovery(cuts.drawn(SAMPLE))


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_every_state_after_a_power_cut_is_trained_to_its_end_by_the_next_run(cuts):
    assert cuts.require_recovery_from_all() > 3

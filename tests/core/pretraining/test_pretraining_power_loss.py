"""The power goes off while a base model is pretrained: packed texts, checkpoints, the finished folder."""

import shutil
from pathlib import Path

import pytest

from tasks.core.base.folders_aside import sweep
from tasks.core.base.naming.file_names import ASIDE_FOLDER, CHECKPOINTS_FOLDER, PACKED_FOLDER
from tasks.core.pretraining.blocks import read_packed
from tasks.core.pretraining.pretrain import pretrain
from tasks.core.pretraining.pretraining_plan import read_result, verified_checkpoint
from tasks.core.training.trainer.workspace import last_whole_checkpoint
from tests.support.recovery import Writer, power_cuts

SAMPLE = 5


@pytest.fixture
def cuts(make_plan, elsewhere):
    plan = elsewhere(make_plan(batch_size=256), "pretraining")

    def read():
        result = read_result(plan)
        if result is not None:
            verified_checkpoint(plan, result)
        return result

    def settle():
        sweep(Path(plan.root))
        shutil.rmtree(plan.state_folder / ASIDE_FOLDER, ignore_errors=True)
        last_whole_checkpoint(plan.state_folder / CHECKPOINTS_FOLDER)
        if read_packed(plan.state_folder / PACKED_FOLDER) is None:
            shutil.rmtree(plan.state_folder / PACKED_FOLDER, ignore_errors=True)

    found = power_cuts(Writer(Path(plan.root), lambda: pretrain(plan), read, settle))
    assert {"rename", "replace", "fsync", "unlink", "rmdir"} <= set(found.calls)
    assert len(found.states) > 200
    return found


@pytest.mark.slow
def test_any_state_after_a_power_cut_is_trained_to_its_end_by_the_next_run(cuts):
    cuts.require_recovery(cuts.drawn(SAMPLE))


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_every_state_after_a_power_cut_is_trained_to_its_end_by_the_next_run(cuts):
    assert cuts.require_recovery_from_all() > 10

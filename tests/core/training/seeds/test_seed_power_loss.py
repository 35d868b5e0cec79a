"""The power goes off while a seed is trained: checkpoints, their markers, the finished folder."""

import shutil
from pathlib import Path

import pytest

from tasks.core.base.folders_aside import sweep
from tasks.core.base.naming.file_names import FINISHED_FOLDER
from tasks.core.training.seeds.seed_plan import read_result, verify_checkpoint
from tasks.core.training.seeds.train_seed import train_seed
from tasks.core.training.trainer import finetune
from tasks.core.training.trainer.workspace import last_whole_checkpoint, workspace_of
from tests.support.recovery import Writer, power_cuts

SAMPLE = 5


@pytest.fixture
def cuts(make_plan, tmp_path):
    """The states of a seed that is evaluated, and kept, three times."""
    plan = make_plan(root=str(tmp_path / "seeds"), evaluations_per_epoch=3, batch_size=32)

    def read():
        result = read_result(plan)
        if result is not None:
            verify_checkpoint(plan.folder, result.checkpoint_sha256)
        return result

    def settle():
        sweep(Path(plan.root))
        workspace = workspace_of(plan.folder)
        if workspace.is_dir():
            last_whole_checkpoint(workspace, finetune._best_of)
            shutil.rmtree(workspace / FINISHED_FOLDER, ignore_errors=True)

    found = power_cuts(Writer(Path(plan.root), lambda: train_seed(plan, lambda *_: None), read, settle))
    assert {"rename", "replace", "fsync", "unlink", "rmdir"} <= set(found.calls)
    assert len(found.states) > 200
    return found


@pytest.mark.slow
def test_any_state_after_a_power_cut_is_trained_to_its_end_by_the_next_run(cuts):
    cuts.require_recovery(cuts.drawn(SAMPLE))


@pytest.mark.drill
@pytest.mark.timeout(0)
def test_every_state_after_a_power_cut_is_trained_to_its_end_by_the_next_run(cuts):
    assert cuts.require_recovery_from_all() > 20

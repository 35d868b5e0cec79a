"""The power goes off while a student's base is cut."""

import pytest

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.folders_aside import sweep
from tasks.core.distillation.student_base import make_base
from tasks.core.round.distillation_section import Student
from tasks.core.training.base_models.base_folder import base_model_digest
from tests.support.recovery import Writer, power_cuts

SAMPLE = 12


@pytest.mark.slow
def test_any_state_after_a_power_cut_is_cut_again_or_whole(tiny_bert, tmp_path):
    root = tmp_path / "work"

    def read():
        """Return the digest of the folder that training would load."""
        for folder in sorted(root.glob("student_bases/[!.]*")):
            try:
                return base_model_digest(str(folder))
            except ModelFolderError:
                return "half a folder"
        return None

    cut = Writer(
        root,
        lambda: make_base(Student(layers=(1,)), tiny_bert, root, ["other", "positive"], 1),
        read,
        lambda: sweep(root / "student_bases"),
    )
    cuts = power_cuts(cut)
    assert {"rename", "fsync", "mkdir"} <= set(cuts.calls)
    cuts.require_recovery(cuts.drawn(SAMPLE))

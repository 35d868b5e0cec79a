"""A training checkpoint counts when each of its files is as it was saved, and never else."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tasks.core.base.errors import TrainingError
from tasks.core.training.trainer.workspace import (
    claim_workspace,
    discard_left,
    fault_of,
    last_whole_checkpoint,
    mark_whole,
    require_whole,
)

FILES = {"model.safetensors": 4_000, "optimizer.pt": 8_000, "rng_state.pth": 300, "trainer_state.json": 500}


def saved(workspace, step):
    """Save a checkpoint of random bytes."""
    folder, draw = workspace / f"checkpoint-{step}", np.random.default_rng(step)
    folder.mkdir()
    for name, size in FILES.items():
        (folder / name).write_bytes(draw.bytes(size))
    mark_whole(folder)
    return folder


@pytest.mark.slow
def test_no_bit_of_a_checkpoint_changes_unseen(tmp_path):
    folder, draw = saved(tmp_path, 1), np.random.default_rng(0)
    for name in FILES:
        content = (folder / name).read_bytes()
        for bit in draw.integers(0, len(content) * 8, size=500):
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << (bit % 8)
            (folder / name).write_bytes(flipped)
            assert fault_of(folder) == f"{name} not as saved"
        (folder / name).write_bytes(content)
    require_whole(folder)


def test_no_bit_of_its_marker_changes_what_the_marker_says_unseen(tmp_path):
    folder, draw = saved(tmp_path, 1), np.random.default_rng(0)
    marker = folder / "winnow-whole"
    content = marker.read_bytes()
    files = json.loads(content)["files"]
    for bit in draw.integers(0, len(content) * 8, size=300):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << (bit % 8)
        marker.write_bytes(flipped)
        assert fault_of(folder) or json.loads(flipped)["files"] == files


@pytest.mark.parametrize("spoil", ["lost", "added", "marker of 0.1.0"])
def test_a_checkpoint_with_other_files_than_were_saved_is_passed_over(tmp_path, spoil):
    before, last = saved(tmp_path, 9), saved(tmp_path, 18)
    if spoil == "lost":
        (last / "optimizer.pt").unlink()
    elif spoil == "added":
        (last / "adapter_config.json").write_text("{}")
    else:
        (last / "winnow-whole").write_text("")
    with pytest.raises(TrainingError, match="is damaged"):
        require_whole(last)
    assert last_whole_checkpoint(tmp_path) == before
    assert not last.exists()


def test_one_whose_best_is_gone_is_passed_over(tmp_path):
    saved(tmp_path, 9)
    last = saved(tmp_path, 18)
    assert last_whole_checkpoint(tmp_path, lambda _: "checkpoint-9") == last
    assert last_whole_checkpoint(tmp_path, lambda _: "checkpoint-3") is None
    assert not list(tmp_path.iterdir())


DIE_AT_WORK = """
import os, signal, sys
from pathlib import Path
from tasks.core.training.trainer.workspace import claim_workspace
with claim_workspace(Path(sys.argv[1])) as workspace:
    (workspace / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_own_folder_of_a_second_worker_that_was_killed_goes_with_the_next_second_one(tmp_path):
    finished = tmp_path / "seed-1"
    with claim_workspace(finished) as first:
        assert subprocess.run([sys.executable, "-c", DIE_AT_WORK, str(finished)], check=False).returncode == -9
        (left,) = (path.parent for path in tmp_path.rglob("half"))
        assert left != first
        with claim_workspace(finished) as second:
            assert second not in {first, left}
            assert not left.exists()
        assert first.is_dir()


def test_what_is_left_beside_a_finished_folder_goes_unless_a_process_is_at_work(tmp_path):
    finished = tmp_path / "seed-1"
    assert subprocess.run([sys.executable, "-c", DIE_AT_WORK, str(finished)], check=False).returncode == -9
    with claim_workspace(finished) as workspace:
        discard_left(finished)
        assert (workspace / "half").exists()
    discard_left(finished)
    assert not workspace.exists()
    discard_left(finished)

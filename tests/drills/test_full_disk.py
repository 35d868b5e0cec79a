"""A drill on a disk that fills up in the middle of a run: a small tmpfs, which only root may mount."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.soundness import require_sound

pytestmark = pytest.mark.drill

ROOM_BYTES = 40_000
"""Left free when the disk is filled up: a few more shards fit, then one does not."""


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 16 MB; skipped where this user may not mount one."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small tmpfs that this drill fills up: run it as root")
    place = tmp_path / "small-disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "winnow-drill", str(place)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"mounting the small tmpfs that this drill fills up was refused: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_up(disk: Path) -> None:
    """Take all of the disk but a little."""
    with (disk / "filler").open("wb") as filler:
        filler.write(bytes(shutil.disk_usage(disk).free - ROOM_BYTES))


def test_a_full_disk_ends_the_run_with_its_name_and_room_finishes_it(make_drill, small_disk):
    drill = make_drill("few", output_path=small_disk / "runs")
    launch = drill.launch()
    launch.wait_until(lambda: drill.finished_shards() >= 3, "three shards were finished")
    fill_up(small_disk)
    launch.require_failed("No space left on device")
    stopped_at = drill.finished_shards()
    assert 3 <= stopped_at < 40
    assert not drill.folder.manifest_path.exists()
    assert not list(drill.folder.path.glob("**/*.tmp"))
    assert shutil.disk_usage(small_disk).free < ROOM_BYTES

    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    drill.launch().require_finished()
    require_sound(drill.folder, drill.undisturbed)

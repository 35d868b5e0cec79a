"""Drills on the files of a stopped run: torn, altered and deleted parts, and a disk that is full."""

import os

import pyarrow.parquet as pq
import pytest

from tests.support.soundness import require_sound

pytestmark = pytest.mark.drill


def test_a_torn_part_and_a_deleted_one_are_scored_again(half_done):
    drill = half_done([38, 39])
    torn, deleted = drill.folder.output_path("positive", 3), drill.folder.output_path("negative", 17)
    os.truncate(torn, torn.stat().st_size // 2)
    deleted.unlink()
    kept = drill.folder.receipt_path(5).stat().st_mtime_ns
    drill.launch().require_finished()
    assert drill.folder.receipt_path(5).stat().st_mtime_ns == kept
    require_sound(drill.folder, drill.undisturbed)


def test_a_part_of_the_same_size_with_other_bytes_is_named_and_scored_again_when_deleted(half_done):
    drill = half_done([38, 39])
    altered = drill.folder.output_path("positive", 3)
    content = bytearray(altered.read_bytes())
    place = pq.read_metadata(altered).row_group(0).column(1).data_page_offset + 100
    content[place] ^= 0xFF
    altered.write_bytes(content)
    drill.launch().require_failed("are not what their shards wrote: ['output/positive/part-00003.parquet']")
    assert not drill.folder.manifest_path.exists()
    altered.unlink()
    drill.launch().require_finished()
    require_sound(drill.folder, drill.undisturbed)

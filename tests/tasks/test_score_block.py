"""A block of shards as a worker scores it, without Prefect around it."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import MachineError, RunFolderError
from tasks.core.corpus.faults import UnreadableFileError
from tasks.core.engines import libraries
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.shards.receipts import read_receipt
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.core.runs.status.markers import read_failures
from tasks.inference import group_shards
from tasks.shards import score_block
from tests.support.plans import plan_of
from tests.support.round_files import write_sample


@pytest.fixture
def make_planned(tmp_path, tiny_engines):
    """Return a function that plans the scoring of 200 rows of two files."""

    def make(shard_rows):
        sample = Sample(path=write_sample(tmp_path / "sample", 200, files=2, row_group_size=shard_rows))
        settings = Inference(output_path=tmp_path, shard_rows=shard_rows)
        plan = plan_of(sample, tiny_engines, settings)
        folder = RunFolder(tmp_path / "run")
        write_plan(plan, folder)
        return plan, folder, sample.path

    return make


@pytest.fixture
def planned(make_planned):
    """Four shards of 50 rows: two of each file."""
    return make_planned(50)


def finished(folder):
    return [number for number in range(4) if read_receipt(folder, number) is not None]


def test_a_shard_that_fails_does_not_keep_the_later_ones_of_its_block_from_being_scored(planned):
    _, folder, sample = planned
    pq.write_table(pa.table({"tweet_id": [1], "text": ["another file"]}), sample / "part-0.parquet")
    with pytest.raises(RunFolderError, match=r"part-0\.parquet is no longer the file"):
        score_block.fn(str(folder.path), (0, 1, 2, 3))
    assert finished(folder) == [2, 3]
    assert [failure.shard for failure in read_failures(folder)] == [0, 1]


def test_a_damaged_page_of_an_input_is_a_failure_of_its_shard_alone(planned):
    _, folder, sample = planned
    path = sample / "part-0.parquet"
    content, stamp = bytearray(path.read_bytes()), path.stat()
    content[4:600] = bytes(596)
    path.write_bytes(content)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(UnreadableFileError, match=r"part-0\.parquet cannot be read as Parquet"):
        score_block.fn(str(folder.path), (0, 1, 2, 3))
    assert finished(folder) == [1, 2, 3]


def test_a_machine_that_cannot_run_the_models_gives_the_block_back_at_once(planned, monkeypatch):
    _, folder, _ = planned
    monkeypatch.setattr(libraries, "LIBRARIES", ("onnxruntime",))
    monkeypatch.setattr(libraries, "library_versions", lambda: {"onnxruntime": "0.1"})
    with pytest.raises(MachineError, match="planned with other libraries"):
        score_block.fn(str(folder.path), (0, 1, 2, 3))
    assert [failure.shard for failure in read_failures(folder)] == [0]


def test_a_disk_that_cannot_be_written_to_ends_the_block_at_once(planned):
    _, folder, _ = planned
    (folder.path / "output").write_text("a file where the folder of outputs should be")
    with pytest.raises(OSError, match="output"):
        score_block.fn(str(folder.path), (0, 1, 2, 3))
    assert [failure.shard for failure in read_failures(folder)] == [0]


def test_a_block_given_out_again_scores_what_is_left_and_counts_it(planned):
    _, folder, _ = planned
    assert score_block.fn(str(folder.path), (0, 1)) == 100
    assert score_block.fn(str(folder.path), (0, 1, 2)) == 50


@pytest.mark.parametrize(("workers", "blocks"), [(None, 200), (1, 25), (2, 50), (9, 200)])
def test_shards_are_given_out_in_as_many_blocks_as_the_workers_have_use_for(make_planned, workers, blocks):
    plan, folder, _ = make_planned(1)
    found = group_shards(unfinished_shards(plan, folder), workers)
    assert len(found) == blocks
    assert [number for block in found for number in block] == list(range(200))

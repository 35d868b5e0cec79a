"""A block of shards as a worker scores it, without Prefect around it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.corpus.sample import list_sample
from tasks.core.errors import RunFolderError
from tasks.core.inference.markers import read_failures
from tasks.core.inference.plan import EngineUse, make_plan, write_plan
from tasks.core.inference.receipts import read_receipt
from tasks.core.inference.run_folder import RunFolder
from tasks.core.round_sections import Inference, Sample
from tasks.inference import score_block
from tests.conftest import write_sample


@pytest.fixture
def planned(tmp_path, tiny_engines):
    """Four shards of 50 rows: two of each of two files."""
    sample = Sample(path=write_sample(tmp_path / "sample", 200, files=2))
    uses = [(EngineUse(label, f"us.{label}", "1", m.digest, m.folder), m) for label, m in tiny_engines.items()]
    plan = make_plan(
        "evaluation", sample, list_sample(sample), uses, Inference(output_path=tmp_path, shard_rows=50), None
    )
    folder = RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    return plan, folder, sample.path


def finished(folder):
    return [number for number in range(4) if read_receipt(folder, number) is not None]


def test_a_shard_that_fails_does_not_keep_the_later_ones_of_its_block_from_being_scored(planned):
    _, folder, sample = planned
    pq.write_table(pa.table({"tweet_id": [1], "text": ["another file"]}), sample / "part-0.parquet")
    with pytest.raises(RunFolderError, match=r"part-0\.parquet is no longer the file"):
        score_block.fn(str(folder.path), (0, 1, 2, 3))
    assert finished(folder) == [2, 3]
    assert [failure.shard for failure in read_failures(folder)] == [0, 1]


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

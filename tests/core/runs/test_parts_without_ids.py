"""A part of a sample whose ids are all null is quarantined row by row; the run's files have one type of id."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.corpus.sample.row_groups import ROW_GROUP_ROWS
from tasks.core.inference.scoring import score_shard
from tasks.core.ranking.top_scored import top_scored
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.shards.planned_rows import read_shard
from tests.support.plans import plan_of


def json_lines(path, ids):
    path.write_text("".join(json.dumps({"tweet_id": id_, "text": f"word{id_}"}) + "\n" for id_ in ids))


def parquet(path, ids):
    texts = [f"word{id_}" for id_ in ids.to_pylist()]
    pq.write_table(pa.table({"tweet_id": ids, "text": texts}), path)


def json_parts(folder, ids):
    json_lines(folder / "a.jsonl", [None] * 3)
    json_lines(folder / "b.jsonl", ids)
    json_lines(folder / "c.jsonl", [float("nan"), None])
    (folder / "d.jsonl").touch()


def parquet_parts(folder, ids):
    parquet(folder / "a.parquet", pa.nulls(3))
    parquet(folder / "b.parquet", pa.array(ids))
    parquet(folder / "c.parquet", pa.nulls(2, pa.array(ids).type))


@pytest.mark.parametrize("ids", [[1, 2], ["a", "b"]])
@pytest.mark.parametrize("write", [json_parts, parquet_parts])
def test_parts_whose_ids_are_all_null_are_quarantined(write, ids, tiny_engines, tmp_path):
    sample = Sample(path=tmp_path / "sample")
    sample.path.mkdir()
    write(sample.path, ids)
    plan = plan_of(sample, tiny_engines, Inference(output_path=tmp_path / "runs", shard_rows=2, batch_tokens=512))
    folder = RunFolder(tmp_path / "runs" / f"iter_0-main-{plan.run_id}-evaluation")
    write_plan(plan, folder)
    for shard in plan.shards:
        score_shard(plan, shard, folder)
    counts = write_manifest(plan, folder, Launch(7, 1.0))["counts"]
    assert (counts["rows_in"], counts["rows_quarantined"], counts["duplicate_ids"]) == (7, 5, 0)
    files = [*folder.path.rglob("part-*.parquet")]
    assert len(files) == 4 * 2 + 3
    assert {pq.read_schema(path).field("tweet_id").type for path in files} == {pa.array(ids).type}
    assert [row["tweet_id"] for row in top_scored(folder, "positive", 9)]
    assert list(Verification(folder.path).findings()) == []


def test_a_shard_without_ids_of_a_file_that_has_some_asks_no_other_file(tiny_engines, tmp_path):
    sample = Sample(path=tmp_path / "sample")
    sample.path.mkdir()
    parquet(sample.path / "a.parquet", pa.array([1, 2]))
    parquet(sample.path / "b.parquet", pa.array([None, None, 3]))
    plan = plan_of(sample, tiny_engines, Inference(output_path=tmp_path / "runs", shard_rows=2, batch_tokens=512))
    (sample.path / "a.parquet").unlink()
    assert read_shard(plan, plan.shards[1])["id"].to_pylist() == [None, None]


@pytest.mark.parametrize("id_", [7, "seven"])
def test_an_id_far_behind_rows_without_says_their_type(id_, tmp_path):
    json_lines(tmp_path / "a.jsonl", [*[None] * (ROW_GROUP_ROWS + 1), id_])
    (file,) = list_sample(Sample(path=tmp_path))
    assert pq.read_table(file.path)["tweet_id"].drop_null().to_pylist() == [id_]


@pytest.mark.parametrize("write", [json_lines, lambda path, ids: parquet(path.with_suffix(".parquet"), pa.array(ids))])
def test_a_sample_without_any_id_is_refused_by_name(write, tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        write(tmp_path / name, [None, None])
    with pytest.raises(
        InputDataError, match=r"every id of the sample .* is null: its 2 files have none in the column 'tw"
    ):
        list_sample(Sample(path=tmp_path))

import json
import os
import shutil
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tasks.core.base.naming.run_names import run_folder_name
from tasks.core.base.parquet import STAMP_KEY
from tasks.core.inference.scoring import score_shard
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.earlier_runs import adopt_shards
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.shards import scorable_rows
from tasks.core.runs.shards.planned_rows import read_shard, sha256_of_rows
from tasks.core.runs.shards.receipts import read_receipts, write_receipt
from tasks.core.runs.shards.wholeness import renew_and_find_unfinished, unfinished_shards
from tests.support.plans import plan_of
from tests.support.sample_files import write_csv
from tests.support.tiny import make_sentences


@pytest.fixture
def sample(tmp_path):
    (tmp_path / "sample").mkdir()
    write_file(tmp_path / "sample" / "b.parquet", 60, 0)
    return Sample(path=tmp_path / "sample")


def write_file(path, rows, seed):
    texts = [*make_sentences(rows - 1, seed=seed), None]
    ids = pa.array([10**18 + seed * 10**6 + number for number in range(rows)], pa.int64())
    pq.write_table(pa.table({"tweet_id": ids, "text": texts}), path)


@pytest.fixture
def plan_now(sample, tiny_engines, tmp_path):
    """Plan the sample as it is now; keyword arguments change the settings."""

    def plan(run_name="main", **changes):
        settings = Inference(**{"output_path": tmp_path / "runs", "shard_rows": 40, "batch_tokens": 512} | changes)
        made = plan_of(sample, tiny_engines, settings)
        folder = RunFolder(tmp_path / "runs" / run_folder_name("iter0", 0, run_name, made.run_id, "evaluation"))
        write_plan(made, folder)
        return made, folder

    return plan


def unfinished(plan, folder):
    return unfinished_shards(plan, folder)


def adopt(plan, folder):
    return len(adopt_shards(plan, folder, unfinished(plan, folder)))


def score(plan, folder):
    for number in unfinished(plan, folder):
        score_shard(plan, plan.shards[number], folder)


def rows_of(plan, folder):
    return {
        label: pa.concat_tables(
            [pq.read_table(folder.output_path(label, shard.number)).replace_schema_metadata() for shard in plan.shards]
        )
        for label in ("positive", "negative")
    }


@pytest.fixture
def appended(plan_now, sample):
    """A finished run, and the plan made after a file was added before its own."""
    first, first_folder = plan_now()
    score(first, first_folder)
    write_file(sample.path / "a.parquet", 50, 1)
    return first_folder, *plan_now()


def test_an_appended_file_is_all_that_is_scored(appended):
    first_folder, plan, folder = appended
    assert folder != first_folder
    assert adopt(plan, folder) == 2
    assert [plan.shards[number].file for number in unfinished(plan, folder)] == ["a.parquet", "a.parquet"]
    score(plan, folder)
    counts = write_manifest(plan, folder, Launch(50, 1.0))["counts"]
    assert counts["rows_in"] == 110
    assert counts["rows_quarantined"] == 2
    assert set(counts["rows_out"].values()) == {108}


def test_taken_shards_are_what_scoring_would_have_written(appended, tmp_path):
    _, plan, folder = appended
    adopt(plan, folder)
    score(plan, folder)
    alone = RunFolder(tmp_path / "alone")
    write_plan(plan, alone)
    score(plan, alone)
    assert rows_of(plan, folder) == rows_of(plan, alone)
    for shard in plan.shards:
        for label in ("positive", "negative"):
            mine, other = (each.output_path(label, shard.number).read_bytes() for each in (folder, alone))
            assert mine == other
    assert json.loads(pq.read_schema(folder.output_path("positive", 3)).metadata[STAMP_KEY])["run_id"] == plan.run_id


@pytest.mark.parametrize("change", [{"batch_tokens": 1024}, {"fall_back_to_fp32": True}])
def test_other_settings_take_nothing(plan_now, change):
    score(*plan_now())
    assert adopt(*plan_now(**change)) == 0


def test_another_run_name_takes_nothing(plan_now):
    score(*plan_now())
    assert adopt(*plan_now("other")) == 0


def test_a_changed_file_or_an_altered_part_is_not_taken(appended, sample):
    first_folder, plan, folder = appended
    part = first_folder.output_path("negative", 0)
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    assert adopt(plan, folder) == 1
    assert unfinished(plan, folder) == [0, 1, 2]


def test_a_touched_file_makes_a_run_that_takes_all_over_and_scores_nothing(plan_now, sample):
    first, first_folder = plan_now()
    score(first, first_folder)
    os.utime(sample.path / "b.parquet", ns=(1, 1))
    plan, folder = plan_now()
    assert plan.run_id != first.run_id
    assert adopt(plan, folder) == 2
    assert unfinished(plan, folder) == []
    assert rows_of(plan, folder) == rows_of(first, first_folder)
    assert [receipt.input_mtime_ns for _, receipt in read_receipts(plan, folder)] == [1, 1]
    assert write_manifest(plan, folder, Launch(0, 1.0))["counts"]["rows_in"] == 60


@pytest.mark.parametrize("version_before", [False, True])
def test_other_rows_behind_the_same_footer_are_not_taken(plan_now, sample, version_before):
    path = sample.path / "b.parquet"
    plain = {"write_statistics": False, "use_dictionary": False, "compression": "none"}
    table = pq.read_table(path)
    pq.write_table(table, path, **plain)
    first, first_folder = plan_now()
    score(first, first_folder)
    if version_before:  # its receipts did not note the inode's time of change
        for _, receipt in read_receipts(first, first_folder):
            write_receipt(replace(receipt, input_ctime_ns=0), first_folder)
    other = table.take([1, 0, *range(2, 60)])
    pq.write_table(other.set_column(1, "text", table["text"]), path, **plain)
    plan, folder = plan_now()
    assert (plan.inputs.file_digests, plan.run_id != first.run_id) == (first.inputs.file_digests, True)
    assert adopt(plan, folder) == 1
    assert unfinished(plan, folder) == [0]


@pytest.fixture
def of_0_1_0(plan_now, sample):
    """A run with the receipts of 0.1.0, which have the sha256 of ids as they are stored: not as strings of today."""
    ids = pa.array([str(number) for number in range(60)], pa.large_string())
    pq.write_table(pa.table({"tweet_id": ids, "text": ["good"] * 60}), sample.path / "a.parquet")
    (sample.path / "b.parquet").unlink()
    plan, folder = plan_now()
    score(plan, folder)
    for shard, receipt in read_receipts(plan, folder):
        stored = sha256_of_rows(read_shard(plan, shard, as_stored=True))
        assert stored != receipt.input_sha256
        write_receipt(replace(receipt, input_ctime_ns=0, input_sha256=stored), folder)
    return plan, folder


def test_receipts_of_0_1_0_have_the_sha256_of_ids_as_they_are_stored(of_0_1_0):
    plan, folder = of_0_1_0
    assert unfinished(plan, folder) == []
    for _, receipt in read_receipts(plan, folder):
        write_receipt(replace(receipt, input_sha256="0" * 64), folder)
    assert unfinished(plan, folder) == [shard.number for shard in plan.shards]


def test_a_file_that_0_1_0_scored_may_be_moved_again_after_its_first_launch_of_today(of_0_1_0):
    plan, folder = of_0_1_0
    for mode in (0o600, 0o640):
        plan.input_path(plan.shards[0]).chmod(mode)
        assert renew_and_find_unfinished(plan, folder) == []
        assert [finding.path for finding in Verification(folder.path).findings()] == ["manifest.json"]


def test_what_is_lost_of_a_run_of_0_1_0_is_scored_again(of_0_1_0):
    plan, folder = of_0_1_0
    folder.output_path("positive", 1).unlink()
    assert renew_and_find_unfinished(plan, folder) == [1]
    score(plan, folder)
    assert renew_and_find_unfinished(plan, folder) == []


def test_a_shard_of_0_1_0_is_scored_again_where_its_receipt_still_stands(of_0_1_0):
    plan, folder = of_0_1_0
    folder.output_path("positive", 1).unlink()
    score_shard(plan, plan.shards[1], folder)
    assert unfinished(plan, folder) == []


def as_0_1_0_scored(plan, folder, monkeypatch):
    """Score a run as 0.1.0 did, which quarantined null alone, and leave its receipts."""
    with monkeypatch.context() as before:
        before.setattr(scorable_rows, "blank_strings", pc.is_null)
        score(plan, folder)
    for shard, receipt in read_receipts(plan, folder):
        stored = sha256_of_rows(read_shard(plan, shard, as_stored=True))
        write_receipt(replace(receipt, input_ctime_ns=0, input_sha256=stored), folder)


@pytest.mark.parametrize("blank", ["", "  ", "nan", "NULL"])
@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_shards_that_0_1_0_scored_with_blank_ids_are_scored_anew(plan_now, sample, blank, type_, monkeypatch):
    ids = pa.array([*map(str, range(30)), blank, None, *map(str, range(32, 80))]).cast(type_)
    pq.write_table(pa.table({"tweet_id": ids, "text": make_sentences(80, seed=3)}), sample.path / "b.parquet")
    first, before = plan_now()
    as_0_1_0_scored(first, before, monkeypatch)
    assert blank in rows_of(first, before)["positive"]["tweet_id"].to_pylist()
    assert [finding.path for finding in Verification(before.path).findings()] == ["manifest.json"]
    os.utime(sample.path / "b.parquet", ns=(1, 1))
    plan, folder = plan_now()
    assert adopt(plan, folder) == 1
    assert unfinished(plan, folder) == [0]
    score(plan, folder)
    assert write_manifest(plan, folder, Launch(40, 1.0))["counts"]["rows_quarantined"] == 2
    assert blank not in rows_of(plan, folder)["positive"]["tweet_id"].to_pylist()


def test_a_text_file_that_was_only_touched_is_the_same_run(plan_now, sample):
    (sample.path / "b.parquet").unlink()
    write_csv(sample.path / "a.csv", [(number, f"word{number}") for number in range(60)])
    first, folder = plan_now()
    score(first, folder)
    os.utime(sample.path / "a.csv", ns=(1, 1))
    again, same = plan_now()
    assert (again.run_id, same) == (first.run_id, folder)
    assert renew_and_find_unfinished(again, folder) == unfinished(again, folder) == []


def test_a_torn_plan_of_an_earlier_run_is_passed_over(appended):
    first_folder, plan, folder = appended
    first_folder.plan_path.write_bytes(b"torn")
    assert adopt(plan, folder) == 0


def with_other_footer(folder):
    """Give a plan a footer whose inputs are no inputs."""
    table = pq.read_table(folder.plan_path)
    said = json.loads(table.schema.metadata[STAMP_KEY]) | {"inputs": {"engines": 7}}
    pq.write_table(table.replace_schema_metadata({STAMP_KEY: json.dumps(said)}), folder.plan_path)


def in_its_place(path):
    """Put a folder where a file should be."""
    path.unlink()
    path.mkdir()


BROKEN = {
    "the plan's footer": with_other_footer,
    "the plan is a folder": lambda folder: in_its_place(folder.plan_path),
    "receipts of nothing": lambda folder: [path.write_text("[]") for path in folder.receipts_folder.iterdir()],
    "receipts are folders": lambda folder: [in_its_place(path) for path in folder.receipts_folder.iterdir()],
    "receipts of a newer version": lambda folder: [
        path.write_text('{"format": 99}') for path in folder.receipts_folder.iterdir()
    ],
    "parts are folders": lambda folder: in_its_place(folder.output_path("positive", 1)),
    "no receipts": lambda folder: shutil.rmtree(folder.receipts_folder),
    "no files at all": lambda folder: [shutil.rmtree(folder.path), folder.path.write_text("a file")],
}


@pytest.mark.parametrize("broken", BROKEN)
def test_whatever_is_wrong_with_a_sibling_it_stops_no_new_run(appended, broken):
    first_folder, plan, folder = appended
    BROKEN[broken](first_folder)
    assert adopt(plan, folder) == (1 if broken == "parts are folders" else 0)
    score(plan, folder)
    assert write_manifest(plan, folder, Launch(110, 1.0))["counts"]["rows_in"] == 110


def test_a_moved_sample_is_still_the_same(appended, sample, plan_now, tmp_path):
    _, plan, folder = appended
    moved = shutil.copytree(sample.path, tmp_path / "moved")
    shutil.rmtree(sample.path)
    assert adopt(replace(plan, sample_root=str(moved)), folder) == 2

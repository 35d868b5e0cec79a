"""Awkward input from a sample's files to a balanced run: each row comes out, or the refusal says what to do."""

import shutil
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.inference.scoring import score_shard
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan_file import read_plan, write_plan
from tests.support.plans import plan_of
from tests.support.sample_files import compress, write_csv

LARGEST = 2**63 - 1
SMALL_FILES = 5_000


def write_rows(path, ids, texts):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"tweet_id": ids, "text": pa.array(texts, pa.string())}), path)


@pytest.fixture
def plan_sample(tiny_engines, tmp_path):
    """Return a function that plans the sample in the test's folder."""

    def plan(**changes):
        source = Sample(path=tmp_path / "sample", **changes)
        settings = Inference(output_path=tmp_path, shard_rows=50)
        return plan_of(source, tiny_engines, settings, files=survey_sample(source).files)

    return plan


@pytest.fixture
def score(plan_sample, tmp_path):
    """Return a function that scores the sample: scored ids, quarantined ids with their reason, and the counts."""

    def score(**changes):
        plan, folder = plan_sample(**changes), RunFolder(tmp_path / "run")
        write_plan(plan, folder)
        for shard in plan.shards:
            score_shard(plan, shard, folder)
        counts = write_manifest(plan, folder, Launch(0, 1.0))["counts"]
        read = [pq.read_table(path) for path in sorted(folder.path.glob("output/positive/*"))]
        kept = [pq.read_table(path) for path in sorted(folder.path.glob("quarantine/*"))]
        reasons = [(row["tweet_id"], row["reason"]) for table in kept for row in table.to_pylist()]
        return pa.concat_tables(read)["tweet_id"].to_pylist(), reasons, counts

    return score


@pytest.mark.parametrize("ids", [[1, LARGEST, LARGEST, -(2**63), None], ["1", "01", "01", "é", None]])
def test_nulls_blanks_emoji_and_repeated_ids_all_come_out(score, tmp_path, ids):
    write_rows(tmp_path / "sample" / "a.parquet", ids, ["", "👩‍👩‍👧 😀", " ", None, "no id"])
    scored, quarantined, counts = score()
    assert scored == ids[:3]
    assert quarantined == [(ids[3], "text is null"), (None, "id is null")]
    assert (counts["rows_in"], counts["duplicate_ids"], counts["empty_texts"]) == (5, 1, 1)


def test_a_text_of_ten_megabytes_is_scored_as_its_first_tokens_and_counted(score, tmp_path):
    write_rows(tmp_path / "sample" / "a.parquet", [1, 2], ["good word1 " * 950_000, "short"])
    scored, quarantined, counts = score()
    assert (scored, quarantined, counts["truncated_texts"]) == ([1, 2], [], 1)


def test_bytes_that_are_not_utf8_in_a_csv_file_are_quarantined_and_the_rest_scored(score, tmp_path):
    content = b"tweet_id,text\n9223372036854775808,caf\xe9\n2,ok\n2,\n"
    compress(tmp_path / "sample" / "a.csv", content)
    scored, quarantined, counts = score()
    assert scored == ["2", "2"]
    assert quarantined == [("9223372036854775808", "text is not UTF-8")]
    assert counts["duplicate_ids"] == 1


def test_a_file_without_rows_beside_others_is_no_shard(score, tmp_path):
    write_rows(tmp_path / "sample" / "a.parquet", pa.array([], pa.string()), [])
    write_rows(tmp_path / "sample" / "b.parquet", [1, 2], ["a", "b"])
    assert score()[0] == [1, 2]


def test_files_without_any_rows_are_refused(plan_sample, tmp_path):
    for name in "ab":
        write_rows(tmp_path / "sample" / f"{name}.parquet", pa.array([], pa.int64()), [])
    with pytest.raises(InputDataError, match="2 files and no rows"):
        plan_sample()


def test_a_file_without_the_column_is_named_with_the_columns_that_it_has(plan_sample, tmp_path):
    write_rows(tmp_path / "sample" / "a.parquet", [1], ["a"])
    pq.write_table(pa.table({"tweet_id": [2], "body": ["b"], "lang": ["es"]}), tmp_path / "sample" / "b.parquet")
    message = r"b\.parquet has no column 'text', which the round file names as its text column\. It has: tweet_id, body"
    with pytest.raises(InputDataError, match=message):
        plan_sample()


def test_a_torn_file_is_refused_and_left_out_when_asked(plan_sample, score, tmp_path):
    write_rows(tmp_path / "sample" / "a.parquet", [1, 2], ["a", "b"])
    torn = tmp_path / "sample" / "b.parquet"
    write_rows(torn, [3], ["c"])
    torn.write_bytes(torn.read_bytes()[:-5])
    with pytest.raises(InputDataError, match=r"b\.parquet is not a whole Parquet file: .*Write it again, or move it"):
        plan_sample()
    assert score(on_torn_file="skip")[0] == [1, 2]


@pytest.mark.parametrize(
    ("types", "ids", "kept"),
    [
        ((pa.int32(), pa.int64(), pa.dictionary(pa.int8(), pa.int64())), [7, 8], pa.int64()),
        ((pa.large_string(), pa.string(), pa.string_view()), ["7", "07"], pa.string()),
    ],
)
def test_ids_of_several_types_of_one_kind_come_out_as_one(score, tmp_path, types, ids, kept):
    for number, type_ in enumerate(types):
        write_rows(tmp_path / "sample" / f"{number}.parquet", pa.array([*ids, None], type_), ["a", None, "c"])
    write_rows(tmp_path / "sample" / "none.parquet", pa.nulls(0), [])
    scored, quarantined, counts = score()
    assert scored == [ids[0]] * 3
    assert quarantined == [(ids[1], "text is null"), (None, "id is null")] * 3
    assert (counts["rows_in"], counts["duplicate_ids"]) == (9, 4)
    parts = [*tmp_path.glob("run/output/positive/*"), *tmp_path.glob("run/quarantine/*")]
    assert {pq.read_schema(part).field("tweet_id").type for part in parts} == {kept}


def test_blank_ids_of_a_csv_file_are_quarantined_with_what_stood_there(score, tmp_path):
    write_csv(tmp_path / "sample" / "a.csv", [("", "a"), (" ", "b"), ("nan", "c"), ("NULL", "d"), ("9", "e")])
    scored, quarantined, counts = score()
    assert scored == ["9"]
    assert quarantined == [(None, f"id is blank: {word!r}") for word in ("", " ", "nan", "NULL")]
    assert counts["rows_quarantined"] == 4


def test_what_is_passed_over_is_named_in_plan_and_manifest_with_its_reason(plan_sample, tmp_path):
    write_rows(tmp_path / "sample" / "a.parquet", [1], ["a"])
    (tmp_path / "sample" / "_SUCCESS").touch()
    listing, run = survey_sample(Sample(path=tmp_path / "sample")), RunFolder(tmp_path / "run")
    plan = replace(plan_sample(), passed_over=listing.passed_over)
    write_plan(plan, run)
    score_shard(plan, plan.shards[0], run)
    named = {str(tmp_path / "sample" / "_SUCCESS"): "left by another program: its name begins with _"}
    assert read_plan(run).passed_over == named
    assert write_manifest(plan, run, Launch(0, 1.0))["settings"]["passed_over"] == named


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (pa.array([2.0**60, 1.0]), r"has type double; ids must be integers or strings: 1 of 2 ids are beyond 2\^53"),
        (pa.array([1.5, 2.5], pa.float32()), r"has type float; ids must be"),
        (pa.array(["2.7e+17", "x"]), r"several types: int64 in .*, string in"),
    ],
)
def test_ids_that_are_floats_or_of_another_type_than_other_files_are_refused(plan_sample, tmp_path, ids, message):
    write_rows(tmp_path / "sample" / "a.parquet", [1], ["a"])
    write_rows(tmp_path / "sample" / "b.parquet", ids, ["b", "c"])
    with pytest.raises(InputDataError, match=message):
        plan_sample()


@pytest.mark.slow
def test_each_row_of_5000_small_files_is_in_one_shard(plan_sample, tmp_path):
    folder = tmp_path / "sample"
    write_rows(folder / "first.parquet", [0, 1], ["a", "b"])
    for number in range(1, SMALL_FILES):
        shutil.copy(folder / "first.parquet", folder / f"{number:04}.parquet")
    plan, run = plan_sample(), RunFolder(tmp_path / "run")
    write_plan(plan, run)
    found = read_plan(run)
    rows = [(shard.file, row) for shard in found.shards for row in range(shard.start, shard.stop)]
    assert found == plan
    assert (len(rows), len(set(rows))) == (2 * SMALL_FILES, 2 * SMALL_FILES)


@pytest.mark.slow
def test_each_id_of_many_small_files_comes_out_once(score, tmp_path):
    for number in range(120):
        write_csv(tmp_path / "sample" / f"{number}.csv", [(2 * number, "a"), (2 * number + 1, "b")])
    scored, quarantined, counts = score()
    assert sorted(map(int, scored)) == list(range(240))
    assert (quarantined, counts["duplicate_ids"]) == ([], 0)

import json
import shutil
from dataclasses import asdict, replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import read_json, sha256_of_file, sha256_of_folder, write_json
from tasks.core.base.parquet import STAMP_KEY
from tasks.core.inference.scoring import score_shard
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.shards.receipts import read_receipt, write_receipt
from tasks.core.runs.shards.wholeness import unfinished_shards
from tests.support.records import change_plan, change_record
from tests.support.written_before import copy_of, only

PART = "output/positive/part-00001.parquet"


@pytest.fixture
def finished(make_named_run):
    """A run folder with its manifest; nothing is wrong in it."""
    plan, folder = make_named_run()
    write_manifest(plan, folder, Launch(97, 1.0))
    return folder


def found(folder):
    """Verify and return kind and path of each finding."""
    return [(finding.kind, finding.path) for finding in Verification(folder.path).findings()]


def problem(folder):
    """Return the one finding, as it is printed."""
    (finding,) = Verification(folder.path).findings()
    return str(finding)


def vouch(folder, path):
    """Write the file's size and checksum into its shard's receipt, as if the shard had written it so."""
    number, name = int(path.stem.removeprefix("part-")), path.relative_to(folder.path).as_posix()
    receipt = read_receipt(folder, number)
    files, sha256 = receipt.files | {name: path.stat().st_size}, receipt.sha256 | {name: sha256_of_file(path)}
    write_receipt(replace(receipt, files=files, sha256=sha256), folder)


def change_receipt(folder, number, **changes):
    write_receipt(replace(read_receipt(folder, number), **changes), folder)


def change_manifest(folder, **changes):
    change_record(folder.manifest_path, lambda content: content | changes)


def rewrite(folder, change, name=PART):
    """Write a part anew with another table and let the receipt vouch for it."""
    path = folder.path / name
    pq.write_table(change(pq.read_table(path)), path)
    vouch(folder, path)


def test_a_finished_run_is_sound_and_all_of_it_was_read(finished):
    before = sha256_of_folder(finished.path)
    verification = Verification(finished.path)
    assert list(verification.findings()) == []
    assert (verification.receipts, verification.files) == (3, 7)
    assert verification.rows_out == {"positive": 95, "negative": 95}
    assert (verification.counts["rows_in"], verification.counts["rows_quarantined"]) == (97, 2)
    parts = [path for name in ("output", "quarantine") for path in (finished.path / name).rglob("*.parquet")]
    assert verification.bytes == sum(path.stat().st_size for path in parts)
    assert sha256_of_folder(finished.path) == before


def test_it_needs_neither_sample_nor_models(finished, sample):
    shutil.rmtree(sample.path)
    assert found(finished) == []


def test_an_unfinished_run_names_its_shards_and_the_manifest(make_named_run):
    _, folder = make_named_run(score=False)
    missing = [("missing", f"receipts/0000{number}.json") for number in range(3)]
    assert found(folder) == [*missing, ("missing", "manifest.json")]


@pytest.mark.parametrize("name", [PART, "quarantine/part-00002.parquet"])
def test_a_missing_file_is_named(finished, name):
    (finished.path / name).unlink()
    assert found(finished) == [("missing", name)]


@pytest.mark.parametrize("name", [PART, "quarantine/part-00002.parquet"])
@pytest.mark.parametrize("content", [lambda old: old[:-10], lambda _: b"", lambda old: bytes(len(old))])
def test_a_torn_file_is_named(finished, name, content):
    path = finished.path / name
    path.write_bytes(content(path.read_bytes()))
    assert found(finished) == [("torn", name)]


@pytest.mark.parametrize("name", [PART, "quarantine/part-00002.parquet"])
def test_a_file_altered_at_its_size_is_named(finished, name):
    path = finished.path / name
    content = bytearray(path.read_bytes())
    content[6] ^= 1
    path.write_bytes(content)
    assert found(finished) == [("altered", name)]


def test_a_file_written_with_other_settings_is_named(finished):
    path = finished.path / PART
    pq.write_table(pq.read_table(path), path, compression="none")
    assert "bytes, but its receipt says" in problem(finished)
    assert found(finished) == [("altered", PART)]


def test_other_columns_are_named(finished):
    def rename(table):
        return table.rename_columns(["id", "score"]).replace_schema_metadata(table.schema.metadata)

    rewrite(finished, rename)
    assert "its columns are ['id', 'score'], not ['tweet_id', 'score']" in problem(finished)


@pytest.mark.parametrize("name", [PART, "quarantine/part-00002.parquet"])
def test_a_lost_row_is_named_also_where_the_receipt_vouches_for_the_file(finished, name):
    rewrite(finished, lambda table: table.slice(1), name)
    assert found(finished) == [("miscounted", name)]


def provenance_with(**changes):
    def change(table):
        content = json.loads(table.schema.metadata[STAMP_KEY]) | changes
        return table.replace_schema_metadata({STAMP_KEY: json.dumps(content)})

    return change


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run_id", "0" * 12),
        ("shard", 2),
        ("label", "negative"),
        ("engine_digest", "another"),
        ("variant", "openvino-int8"),
    ],
)
def test_a_part_whose_metadata_is_of_something_else_is_named(finished, key, value):
    rewrite(finished, provenance_with(**{key: value}))
    assert f"its metadata says {{'{key}': {value!r}}}" in problem(finished)
    assert found(finished) == [("misplaced", PART)]


@pytest.mark.parametrize("metadata", [None, {STAMP_KEY: "[]"}])
def test_a_part_without_provenance_is_named(finished, metadata):
    rewrite(finished, lambda table: table.replace_schema_metadata(metadata))
    assert problem(finished).startswith(f"misplaced   {PART}: its metadata does not say which run")


def test_two_labels_parts_exchanged_are_both_named(finished):
    one, other = finished.output_path("positive", 0), finished.output_path("negative", 0)
    aside = one.with_suffix(".aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    paths = [path.relative_to(finished.path).as_posix() for path in (one, other)]
    assert found(finished) == [("misplaced", path) for path in paths]


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.take(list(reversed(range(table.num_rows)))),
        lambda table: table.set_column(0, "tweet_id", pa.array(range(table.num_rows), pa.int64())),
    ],
)
def test_ids_that_differ_between_labels_are_named(finished, change):
    rewrite(finished, change, "output/negative/part-00001.parquet")
    assert "negative/part-00001.parquet: its ids are not those of output/positive/part-00001" in problem(finished)


def test_ids_that_cannot_be_read_are_named_also_where_the_receipt_vouches_for_them(finished):
    path = finished.path / PART
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    vouch(finished, path)
    assert f"torn        {PART}: its ids cannot be read" in problem(finished)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"shard": 1}'])
def test_a_torn_receipt_is_named(finished, content):
    finished.receipt_path(1).write_text(content)
    assert found(finished) == [("torn", "receipts/00001.json")]


def test_a_receipt_of_another_run_is_named(finished):
    change_receipt(finished, 1, run_id="0" * 12)
    assert found(finished) == [("foreign", "receipts/00001.json")]


def test_a_receipt_of_another_shard_is_named(finished):
    shutil.copy(finished.receipt_path(0), finished.receipt_path(1))
    assert found(finished) == [("foreign", "receipts/00001.json")]


def test_a_receipt_whose_rows_do_not_add_up_is_named(finished):
    rows = read_receipt(finished, 1).rows_out
    change_receipt(finished, 1, rows_out=rows | {"negative": 39})
    assert "40 rows in, but label 'negative' has 39 out and 0 are quarantined" in str(
        next(Verification(finished.path).findings())
    )
    miscounted = ["receipts/00001.json", "output/negative/part-00001.parquet", "manifest.json"]
    assert found(finished) == [("miscounted", path) for path in miscounted]


def test_a_receipt_of_other_rows_in_than_the_plan_is_named(finished):
    change_receipt(finished, 1, rows_in=41)
    assert found(finished)[0] == ("miscounted", "receipts/00001.json")
    assert "it says 41 rows in, but the plan has 40" in str(next(Verification(finished.path).findings()))


def test_a_receipt_that_lacks_a_label_is_named(finished):
    rows = {"positive": read_receipt(finished, 1).rows_out["positive"]}
    change_receipt(finished, 1, rows_out=rows)
    assert "it counts the labels ['positive'], but the plan has ['negative', 'positive']" in str(
        next(Verification(finished.path).findings())
    )


@pytest.mark.parametrize("key", ["files", "sha256"])
def test_a_file_that_its_receipt_does_not_vouch_for_is_named(finished, key):
    kept = {name: value for name, value in getattr(read_receipt(finished, 1), key).items() if name != PART}
    change_receipt(finished, 1, **{key: kept})
    assert found(finished) == [("altered", PART)]


def test_a_receipt_that_names_a_file_of_another_shard_is_named(finished):
    receipt = read_receipt(finished, 1)
    change_receipt(finished, 1, files=receipt.files | {"output/positive/part-00002.parquet": 1})
    assert found(finished) == [("foreign", "receipts/00001.json")]


def test_strays_are_named_and_told_apart(finished):
    output, part = finished.path / "output", finished.path / PART
    (output / "spam").mkdir()
    shutil.copy(part, output / "positive" / "part-00001 copy.parquet")
    shutil.copy(part, output / "positive" / "part-1.parquet")
    shutil.copy(finished.receipt_path(0), finished.path / "receipts" / "0.json")
    (output / "spam" / "part-00000.parquet").write_bytes(b"x")
    (output / "positive" / "part-00003.parquet").write_bytes(b"x")
    (output / "positive" / "part-00002.tmp").write_bytes(b"x")
    (output / "notes.txt").write_text("")
    (finished.path / "quarantine" / "part-00000.parquet").write_bytes(b"x")
    (finished.path / "receipts" / "00003.json").write_text("{}")
    assert found(finished) == [
        ("foreign", "output/notes.txt"),
        ("doubled", "output/positive/part-00001 copy.parquet"),
        ("foreign", "output/positive/part-00002.tmp"),
        ("foreign", "output/positive/part-00003.parquet"),
        ("doubled", "output/positive/part-1.parquet"),
        ("foreign", "output/spam/part-00000.parquet"),
        ("foreign", "quarantine/part-00000.parquet"),
        ("doubled", "receipts/0.json"),
        ("foreign", "receipts/00003.json"),
    ]


def test_a_part_of_another_run_is_foreign(finished):
    stray = finished.path / "output" / "positive" / "part-00009.parquet"
    pq.write_table(provenance_with(run_id="0" * 12)(pq.read_table(finished.path / PART)), stray)
    assert problem(finished).startswith("foreign     output/positive/part-00009.parquet: neither the plan nor")


def test_an_unknown_label_is_said_to_be_one(finished):
    path = finished.path / "output" / "spam" / "part-00001.parquet"
    path.parent.mkdir()
    path.write_bytes(b"x")
    assert "the plan has no label 'spam', only positive, negative" in problem(finished)


def test_a_part_under_another_name_is_told_where_it_belongs(finished):
    (finished.path / PART).rename(finished.path / "output" / "part-00001.parquet")
    shown = [str(finding) for finding in Verification(finished.path).findings()]
    assert shown[0].startswith(f"missing     {PART}")
    assert shown[1].endswith(f"Rename it to {PART}.")


def test_files_of_a_shard_that_is_at_work_are_not_foreign(finished):
    for number in (1, 2):
        finished.receipt_path(number).unlink()
    assert found(finished) == [("missing", "receipts/00001.json"), ("missing", "receipts/00002.json")]


def test_a_temporary_file_is_a_left_over_and_no_error(finished):
    names = ["output/positive/.part-00001.parquet.0a1b.tmp", "receipts/.00001.json.0a1b.tmp", ".plan.parquet.0a1b.tmp"]
    for name in names:
        (finished.path / name).write_bytes(b"x")
    findings = list(Verification(finished.path).findings())
    assert sorted(finding.path for finding in findings) == sorted(names)
    assert {finding.kind for finding in findings} == {"left-over"}
    assert not any(finding.is_error for finding in findings)


def test_markers_and_logs_are_nobodys_finding(finished):
    write_json(finished.failure_path(0), {})
    (finished.path / "notes.md").write_text("mine")
    assert found(finished) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", "[" * 10**6, '{"run_id": 1, "engines": []}'])
def test_a_torn_manifest_is_named(finished, content):
    finished.manifest_path.write_text(content)
    assert found(finished)[0] == ("torn", "manifest.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [("rows_in", 96), ("rows_out", {"positive": 95, "negative": 94}), ("rows_quarantined", 3), ("truncated_texts", 7)],
)
def test_a_count_of_the_manifest_that_is_not_the_sum_is_named(finished, key, value):
    counts = read_json(finished.manifest_path)["counts"]
    change_manifest(finished, counts=counts | {key: value})
    assert f"miscounted  manifest.json: {key} is {value}, but by plan and receipts it is {counts[key]}" in problem(
        finished
    )


@pytest.mark.parametrize(("key", "value"), [("run_id", "0" * 12), ("shards", 4)])
def test_a_manifest_of_another_plan_is_named(finished, key, value):
    change_manifest(finished, **{key: value})
    assert f"manifest.json: {key} is {value}, but by plan" in problem(finished)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("settings", lambda said: said | {"settings": said["settings"] | {"batch_tokens": 513}}),
        ("settings", lambda said: said | {"settings": said["settings"] | {"changed_ns": {}}}),
        ("engines", lambda said: said | {"engines": [use | {"seal": "0" * 12} for use in said["engines"]]}),
        ("variants", lambda said: said | {"engines": [use | {"variants": {}} for use in said["engines"]]}),
    ],
)
def test_whatever_the_manifest_says_otherwise_than_the_plan_is_named(finished, key, change):
    change_record(finished.manifest_path, change)
    assert f"miscounted  manifest.json: {key} is " in problem(finished)


@pytest.mark.parametrize("change", [{"batch_tokens": 513}, {"limit": 97}, {"file_digests": {"a.parquet": "0" * 64}}])
def test_a_plan_whose_run_id_is_not_that_of_its_inputs_is_refused(finished, change):
    change_plan(finished.plan_path, lambda said: said | {"inputs": said["inputs"] | change})
    with pytest.raises(RunFolderError, match="but its inputs are those of run"):
        found(finished)


def test_an_older_plan_whose_run_id_is_not_that_of_its_inputs_is_refused(tmp_path):
    folder = RunFolder(only(copy_of("0.1.0", tmp_path) / "runs"))
    change_plan(folder.plan_path, lambda said: said)  # as it was, with a checksum
    assert found(folder) == []
    change_plan(folder.plan_path, lambda said: said | {"shard_rows": 21})
    with pytest.raises(RunFolderError, match="says it is of run ca61e7429997, its inputs are those of run"):
        found(folder)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("start", [0, 41, 80], "its shard 1 has rows 41 to 80 of a.parquet, out of turn"),
        ("stop", [40, 80, 80], "its shard 2 has rows 80 to 80 of a.parquet, out of turn"),
        ("number", [0, 2, 1], "its shard in place 1 has the number 2"),
        ("file", ["a.parquet", "b.parquet", "a.parquet"], "its shard 1 is of b.parquet, which is none of its files"),
    ],
)
def test_a_plan_whose_shards_do_not_cover_the_rows_in_turn_is_refused(finished, column, values, message):
    def other(table):
        return table.set_column(table.schema.get_field_index(column), table.schema.field(column), [values])

    change_plan(finished.plan_path, lambda said: said, other)
    with pytest.raises(RunFolderError, match=message):
        found(finished)


def test_a_sample_that_is_another_by_now_is_nobodys_finding(finished, sample):
    pq.write_table(pa.table({"tweet_id": [1], "text": ["another"]}), sample.path / "a.parquet")
    assert found(finished) == []


def test_a_plan_of_another_run_than_the_folders_name_is_named(finished):
    finished.path.rename(finished.path.with_name("iter_0-main-000000000000-evaluation"))
    folder = replace(finished, path=finished.path.with_name("iter_0-main-000000000000-evaluation"))
    assert found(folder) == [("foreign", "plan.parquet")]


def test_what_is_advised_makes_the_run_sound_again(finished):
    """A next launch does not see a part that was altered at its size, so the advice is to delete the receipt."""
    path, plan = finished.path / PART, read_plan(finished)
    path.write_bytes(path.read_bytes()[:6] + b"?" + path.read_bytes()[7:])
    assert unfinished_shards(plan, finished) == []
    assert "Delete receipts/00001.json and go on with the run: shard 00001 is scored again" in problem(finished)
    finished.receipt_path(1).unlink()
    for number in unfinished_shards(plan, finished):
        score_shard(plan, plan.shards[number], finished)
    write_manifest(plan, finished, Launch(40, 1.0))
    assert found(finished) == []


def test_a_path_that_is_no_run_folder_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="no run folder"):
        Verification(tmp_path)


def test_a_link_in_place_of_a_part_is_followed(finished):
    path = finished.path / PART
    path.rename(path.parents[2] / "elsewhere.parquet")
    path.symlink_to(path.parents[2] / "elsewhere.parquet")
    assert found(finished) == []
    assert asdict(read_receipt(finished, 1))["files"][PART] == path.stat().st_size

import os
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import read_json
from tasks.core.base.formats import read_record
from tasks.core.runs import duplicate_ids
from tasks.core.runs.manifest import MANIFEST, Launch, write_manifest
from tests.support.records import vouched, write_vouched

LAUNCH = Launch(97, 1.0)
IDS = [7, 7, 8, None, 2**63 - 1, None, 8, 7]
TEXTS = ["a", "b", None, "c", "d", None, "e", "f"]


def write_rows(sample, ids, texts):
    """Write a row a file, so that equal ids are in different shards."""
    (sample.path / "a.parquet").unlink()
    for number, (id_, text) in enumerate(zip(ids, texts, strict=True)):
        table = pa.table({"tweet_id": pa.array([id_], pa.array(ids).type), "text": pa.array([text], pa.string())})
        pq.write_table(table, sample.path / f"{number}.parquet")


@pytest.mark.parametrize("change", [lambda id_: id_, lambda id_: None if id_ is None else f"é{id_}"])
def test_rows_of_one_id_are_all_kept_and_counted_across_output_and_quarantine(make_run, sample, change):
    write_rows(sample, [change(id_) for id_ in IDS], TEXTS)
    plan, folder = make_run()
    assert len(plan.shards) == len(IDS)
    counts = write_manifest(plan, folder, LAUNCH)["counts"]
    assert (counts["duplicate_ids"], counts["rows_quarantined"]) == (3, 3)
    assert counts["rows_out"] == {"positive": 5, "negative": 5}
    assert "3 rows have an id that an earlier row has; each was kept" in folder.summary_path.read_text()


def test_nothing_is_said_where_every_id_is_there_once(make_run):
    plan, folder = make_run()
    assert write_manifest(plan, folder, LAUNCH)["counts"]["duplicate_ids"] == 0
    assert "earlier row" not in folder.summary_path.read_text()


def test_a_model_that_passed_a_weakened_gate_is_named(make_run):
    plan, folder = make_run()
    weak, other = plan.engines
    engines = (replace(weak, gate_weakened="ap_loss 1 (balanced: 0.005)"), other)
    weakened = replace(plan, inputs=replace(plan.inputs, engines=engines))
    assert weakened.inputs.run_id == plan.run_id
    manifest = write_manifest(weakened, folder, LAUNCH)
    assert [use["gate_weakened"] for use in manifest["engines"]] == ["ap_loss 1 (balanced: 0.005)", ""]
    said = folder.summary_path.read_text()
    assert f"{weak.label}: gate weakened: ap_loss 1 (balanced: 0.005)." in said
    assert f"{other.label}: gate" not in said


def test_ids_that_are_not_utf8_are_no_ids_and_quarantined(make_run, sample):
    ids = pa.array([b"\xff", b"a", b"\xff", b"a"], pa.binary()).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"tweet_id": ids, "text": ["a", "b", "c", "d"]}), sample.path / "a.parquet")
    plan, folder = make_run()
    counts = write_manifest(plan, folder, LAUNCH)["counts"]
    assert (counts["duplicate_ids"], counts["rows_quarantined"]) == (1, 2)


def test_more_ids_than_memory_holds_are_counted_in_the_run_folder(make_run, monkeypatch):
    plan, folder = make_run()
    ids = pa.table({"tweet_id": pa.array([*range(1_500_000), 5, 6], pa.int64())})
    pq.write_table(ids, folder.output_path(plan.engines[0].label, 0))
    monkeypatch.setattr(duplicate_ids, "MEMORY_LIMIT", "40MB")
    assert duplicate_ids.count_duplicate_ids(plan, folder, []) == 2
    assert [path for path in folder.path.iterdir() if path.name.startswith(".")] == []


@pytest.fixture
def finished(make_run):
    plan, folder = make_run()
    write_manifest(plan, folder, LAUNCH)
    return plan, folder


def alter(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def stamp(folder):
    return folder.manifest_path.stat().st_mtime_ns


def date_later(path):
    """Let a file be younger than all others, however coarse the system's clock is."""
    later = path.stat().st_mtime_ns + 10**10
    os.utime(path, ns=(later, later))


@pytest.mark.parametrize("time_kept", [False, True])
@pytest.mark.parametrize("place", [30, -20])
def test_a_part_altered_after_the_manifest_was_written_is_found_and_nothing_is_overwritten(finished, place, time_kept):
    plan, folder = finished
    before, path = stamp(folder), folder.output_path("negative", 2)
    time = path.stat().st_mtime_ns
    alter(path, place)
    if time_kept:
        os.utime(path, ns=(time, time))
    with pytest.raises(RunFolderError, match=r"1 files .* are not what their shards wrote: .*negative/part-00002"):
        write_manifest(plan, folder, LAUNCH)
    assert stamp(folder) == before


def test_a_finished_run_is_not_read_again_as_long_as_its_files_are_older(finished, monkeypatch):
    plan, folder = finished
    date_later(folder.manifest_path)
    read = []
    monkeypatch.setattr("tasks.core.runs.shards.part_faults.sha256_of_file", lambda path: read.append(path) or "")
    monkeypatch.setattr("tasks.core.runs.manifest.count_duplicate_ids", lambda *_: read.append("ids"))
    before = stamp(folder)
    assert write_manifest(plan, folder, LAUNCH) == read_record(folder.manifest_path, MANIFEST)
    assert (read, stamp(folder)) == ([], before)


def test_a_part_that_was_only_touched_leaves_the_manifest_alone(finished):
    plan, folder = finished
    before = stamp(folder)
    os.utime(folder.output_path("negative", 2), ns=(before + 10**9, before + 10**9))
    assert write_manifest(plan, folder, Launch(0, 9.0)) == read_record(folder.manifest_path, MANIFEST)
    assert stamp(folder) == before


@pytest.mark.parametrize("content", ["", '{"run_id": ', "[]", '{"run_id": "other", "counts": {}}', '{"counts": 3}'])
def test_a_manifest_that_is_torn_or_of_another_run_is_written_anew(finished, content):
    plan, folder = finished
    manifest = read_json(folder.manifest_path)
    folder.manifest_path.write_text(content)
    assert write_manifest(plan, folder, LAUNCH)["counts"] == manifest["counts"]
    assert read_json(folder.manifest_path)["counts"] == manifest["counts"]


def test_a_whole_manifest_of_another_run_is_written_anew(finished):
    plan, folder = finished
    manifest = read_json(folder.manifest_path)
    write_vouched(folder.manifest_path, manifest | {"run_id": "0" * 12})
    assert write_manifest(plan, folder, LAUNCH)["run_id"] == plan.run_id
    assert read_json(folder.manifest_path)["counts"] == manifest["counts"]


def test_a_manifest_that_counts_otherwise_is_written_anew(finished):
    plan, folder = finished
    manifest = read_json(folder.manifest_path)
    write_vouched(folder.manifest_path, manifest | {"counts": manifest["counts"] | {"rows_quarantined": 3}})
    assert write_manifest(plan, folder, LAUNCH)["counts"] == manifest["counts"]


def test_an_older_manifest_without_duplicate_ids_stands(finished):
    plan, folder = finished
    manifest = read_json(folder.manifest_path)
    del manifest["counts"]["duplicate_ids"]
    write_vouched(folder.manifest_path, manifest)
    before = stamp(folder)
    assert MANIFEST.sign(write_manifest(plan, folder, LAUNCH)) == vouched(manifest)
    assert stamp(folder) == before


def test_a_part_that_is_no_parquet_behind_a_finished_runs_back_is_named(finished):
    plan, folder = finished
    path = folder.output_path("positive", 0)
    path.write_bytes(bytes(path.stat().st_size))
    date_later(folder.manifest_path)
    with pytest.raises(RunFolderError, match=r"positive/part-00000\.parquet cannot be read as Parquet"):
        write_manifest(plan, folder, LAUNCH)

"""A run that was verified whole is not read again, and what changed since is, whatever its own times say."""

import os

import pytest

from tasks.core.runs.audit import verified, verify
from tasks.core.runs.audit.verified import verify_once
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.shards import part_faults
from tests.support.records import change_record
from tests.support.waiting import wait_for

PART = "output/positive/part-00001.parquet"


@pytest.fixture
def finished(make_named_run):
    """A run folder with its manifest; nothing is wrong in it, and its files are older than what happens next."""
    plan, folder = make_named_run()
    write_manifest(plan, folder, Launch(97, 1.0))
    wait_for(lambda: newest_in(folder) < verified._now_ns(folder), "the file system's clock went on")
    return folder


@pytest.fixture
def read(monkeypatch):
    """The files of shards whose bytes were read since this was emptied."""
    found, real = [], part_faults.sha256_of_file

    def noted(path):
        found.append(path.name)
        return real(path)

    monkeypatch.setattr(part_faults, "sha256_of_file", noted)
    return found


def newest_in(folder):
    return max(path.stat().st_ctime_ns for path in folder.path.rglob("*") if path.is_file())


def found_in(folder, **way):
    return [(finding.kind, finding.path) for finding in verify_once(folder.path, **way)]


def test_what_was_verified_is_not_read_again_unless_asked(finished, read):
    assert found_in(finished) == []
    assert len(read) == 7
    read.clear()
    assert found_in(finished) == []
    assert read == []
    assert found_in(finished, anew=True) == []
    assert len(read) == 7


def test_a_shard_is_read_again_when_a_file_of_it_or_its_receipt_was_touched(finished, read):
    found_in(finished)
    for touched in (finished.path / PART, finished.receipt_path(1)):
        read.clear()
        os.utime(touched)
        assert found_in(finished) == []
        assert read.count("part-00001.parquet") in {2, 3}
        assert set(read) == {"part-00001.parquet"}
        wait_for(lambda: newest_in(finished) < verified._now_ns(finished), "the file system's clock went on")
        found_in(finished)


def test_shards_are_read_again_when_the_samples_file_was_touched(finished, sample, read):
    found_in(finished)
    read.clear()
    for path in sample.path.glob("*.parquet"):
        os.utime(path)
    assert found_in(finished) == []
    assert len(read) == 7


def test_bytes_that_changed_with_size_and_time_kept_are_found(finished):
    assert found_in(finished) == []
    path, before = finished.path / PART, (finished.path / PART).stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (finding,) = found_in(finished)
    assert finding[1] == PART
    assert found_in(finished) == [finding]


def test_a_file_that_is_gone_or_a_stray_one_is_found_though_nothing_else_changed(finished, read):
    found_in(finished)
    read.clear()
    (finished.path / PART).rename(finished.path / "output/positive/part-00007.parquet")
    assert [kind for kind, _ in found_in(finished)] == ["missing", "foreign"]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: change_record(folder.manifest_path, lambda content: content | {"timings": {}}),
        lambda folder: folder.verified_path.unlink(),
        lambda folder: folder.verified_path.write_text("{}"),
        lambda folder: change_record(
            folder.verified_path, lambda content: content | {"winnow": {"winnow.version": "0"}}
        ),
        lambda folder: change_record(folder.verified_path, lambda content: content | {"format": 99}),
    ],
)
def test_another_manifest_another_winnow_and_no_sound_record_have_all_read_again(finished, read, change):
    found_in(finished)
    read.clear()
    change(finished)
    assert found_in(finished) == []
    assert len(read) == 7
    read.clear()
    assert found_in(finished) == []
    assert read == []


def test_nothing_is_noted_of_a_run_in_which_something_is_wrong(finished):
    (finished.path / PART).unlink()
    assert found_in(finished)
    assert not finished.verified_path.exists()
    assert list(finished.path.glob(".verified*")) == []


def test_a_command_that_verifies_reads_all_and_notes_nothing(finished, read):
    assert list(verify.Verification(finished.path).findings()) == []
    assert len(read) == 7
    assert not finished.verified_path.exists()

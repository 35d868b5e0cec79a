"""Below a sample's path every file is read, refused or named with its reason, and none is read twice."""

import os
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.faults import UnreadableFileError
from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.round.sections import Sample
from tests.support.sample_files import write_csv
from tests.support.unprivileged import open_folder, unprivileged


def part(path, first=0, rows=10):
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = range(first, first + rows)
    pq.write_table(pa.table({"tweet_id": numbers, "text": [f"text {number}" for number in numbers]}), path)
    return path


def surveyed(path, **settings):
    said = []
    return survey_sample(Sample(path=path, **settings), said.append), said


def rows_below(path):
    listing, _ = surveyed(path)
    ids = Counter(id_ for file in listing.files for id_ in pq.read_table(file.path)["tweet_id"].to_pylist())
    assert set(ids.values()) == {1}
    return len(ids)


@pytest.fixture
def days(tmp_path):
    for number, folder in enumerate(("_day=2020-01-01", "_day=2020-01-02", "day=2020-01-03")):
        part(tmp_path / "sample" / folder / "p.parquet", 10 * number)
    return tmp_path / "sample"


@pytest.mark.parametrize("pattern", ["", "*", "*/p.parquet", "**/p.parquet", "**", "_day=*/*.parquet"])
def test_partitions_that_begin_with_an_underscore_are_read_as_spark_reads_them(days, pattern):
    assert rows_below(days / pattern if pattern else days) == (20 if pattern.startswith("_day") else 30)


def test_what_is_passed_over_is_named_with_its_reason_in_the_log_and_the_listing(days):
    for name in ("_SUCCESS", "_temporary/0/p.parquet", ".ipynb_checkpoints/p.parquet", "day=2020-01-03/.p.parquet.crc"):
        part(days / name)
    part(days / "day=2020-01-03" / "p.parquet.md5")
    listing, said = surveyed(days)
    reasons = {path.removeprefix(f"{days}/"): reason for path, reason in listing.passed_over.items()}
    assert reasons == {
        "_SUCCESS": "left by another program: its name begins with _",
        "_temporary": "left by another program: its name begins with _",
        ".ipynb_checkpoints": "hidden: its name begins with a dot",
        "day=2020-01-03/.p.parquet.crc": "hidden: its name begins with a dot",
        "day=2020-01-03/p.parquet.md5": "a checksum",
    }
    assert said == [f"passed over: {path}: {reason}" for path, reason in listing.passed_over.items()]


def test_the_log_names_some_of_many_that_are_passed_over(days):
    for number in range(50):
        part(days / f".{number}.parquet", rows=1)
    listing, said = surveyed(days)
    assert len(listing.passed_over) == 50
    assert len(said) == 21
    assert "30 more" in said[-1]


def test_control_characters_of_names_reach_no_log(tmp_path):
    part(tmp_path / "p.parquet")
    part(tmp_path / "_a\x1b[2Jb\nc.parquet")
    assert r"_a\x1b[2Jb\nc.parquet" in surveyed(tmp_path)[1][0]
    write_csv(tmp_path / "csv" / "a\x1b[2J.csv", [(1, "x")])
    assert r"a\x1b[2J.csv" in surveyed(tmp_path / "csv")[1][0]


def test_what_a_glob_passes_over_is_named_too(days):
    part(days / "_old" / "p.parquet")
    listing, _ = surveyed(days / "*" / "p.parquet")
    assert list(listing.passed_over) == [str(days / "_old")]
    with pytest.raises(InputDataError, match=r"no file matches .*_o\*.*Passed over are 1: .*_old \(left by another"):
        surveyed(days / "_o*" / "p.parquet")


def test_the_folder_that_winnow_converts_into_is_not_named(tmp_path):
    write_csv(tmp_path / "a.csv", [(1, "x")])
    for _ in range(2):
        assert surveyed(tmp_path)[0].passed_over == {}
    part(tmp_path / "kept" / "_converted" / "p.parquet")
    part(tmp_path / "kept" / "p.parquet")
    assert list(surveyed(tmp_path / "kept")[0].passed_over) == [str(tmp_path / "kept" / "_converted")]


@pytest.mark.parametrize("pattern", ["", "*", "**/p.parquet", "*/p.parquet"])
def test_a_folder_that_cannot_be_listed_is_refused_by_name(pattern):
    with open_folder() as folder:
        for month in ("2020-01", "2020-02", "2020-03"):
            part(folder / "sample" / month / "p.parquet")
        for mode, fault in ((0o000, "be listed"), (0o600, "be listed"), (0o644, "be (listed|read)")):
            (folder / "sample" / "2020-02").chmod(mode)
            with unprivileged(), pytest.raises(UnreadableFileError, match=rf"2020-02.* cannot {fault}"):
                surveyed(folder / "sample" / pattern if pattern else folder / "sample", on_torn_file="skip")


def test_a_file_or_path_without_permission_is_refused_by_name():
    with open_folder() as folder:
        part(folder / "sample" / "p.parquet").chmod(0o000)
        with unprivileged(), pytest.raises(UnreadableFileError, match=r"p\.parquet cannot be read: .*Permission"):
            surveyed(folder / "sample", on_torn_file="skip")
        (folder / "sample").chmod(0o000)
        with unprivileged(), pytest.raises(UnreadableFileError, match=r"p\.parquet cannot be read: .*Permission"):
            surveyed(folder / "sample" / "p.parquet")


@pytest.mark.parametrize("pattern", ["", "**", "*/p.parquet"])
@pytest.mark.parametrize("make", [os.symlink, None])
def test_a_second_link_to_a_folder_or_file_is_refused_by_name(tmp_path, pattern, make):
    part(tmp_path / "sample" / "main-1234" / "p.parquet")
    (tmp_path / "sample" / "main").symlink_to("main-1234")
    if make is None:
        (tmp_path / "sample" / "main").unlink()
        (tmp_path / "sample" / "main").mkdir()
        (tmp_path / "sample" / "main" / "p.parquet").symlink_to("../main-1234/p.parquet")
    with pytest.raises(InputDataError, match=r"sample/main.* and .*sample/main.* are one and the same, by a link"):
        surveyed(tmp_path / "sample" / pattern if pattern else tmp_path / "sample")
    assert rows_below(tmp_path / "sample" / "main*4" / "p.parquet") == 10


def test_two_names_of_one_inode_are_refused_by_name_and_one_is_read(tmp_path):
    folder = tmp_path / "sample"
    (folder / "sub").mkdir(parents=True)
    os.link(part(tmp_path / "elsewhere.parquet"), folder / "a.parquet")
    assert rows_below(folder) == 10
    os.link(folder / "a.parquet", folder / "sub" / "b.parquet")
    with pytest.raises(InputDataError, match=r"sub/b\.parquet and .*a\.parquet are one and the same, by a link"):
        surveyed(folder)
    assert rows_below(folder / "*.parquet") == 10


def test_links_to_data_elsewhere_are_read_once_and_two_ways_to_them_are_refused(tmp_path):
    part(tmp_path / "elsewhere" / "deep" / "p.parquet")
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "a").symlink_to(tmp_path / "elsewhere" / "deep")
    assert rows_below(tmp_path / "sample") == 10
    (tmp_path / "sample" / "b").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputDataError, match=r"sample/b/deep and .*sample/a are one and the same"):
        surveyed(tmp_path / "sample")


@pytest.mark.parametrize("pattern", ["", "**", "**/p.parquet"])
def test_loops_are_named_and_cost_or_double_no_row(days, pattern):
    (days / "day=2020-01-03" / "again").symlink_to("..")
    (days / "self").symlink_to(".")
    listing, _ = surveyed(days / pattern if pattern else days)
    assert rows_below(days / pattern if pattern else days) == 30
    assert listing.passed_over == {
        str(days / name): f"a link back to {days}, which holds it" for name in ("day=2020-01-03/again", "self")
    }


def test_what_is_no_file_is_refused_by_name(days):
    os.mkfifo(days / "pipe.parquet")
    with pytest.raises(InputDataError, match=r"pipe\.parquet is no file but a pipe"):
        surveyed(days)
    (days / "pipe.parquet").unlink()
    (days / "round.parquet").symlink_to("round.parquet")
    with pytest.raises(InputDataError, match=r"symbolic links: .*round\.parquet"):
        surveyed(days)


def test_a_name_that_is_not_utf8_is_refused_by_name(days):
    for name in (b"S\xe3o.parquet", b"S\xe3o/p.parquet"):
        path = days / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        part(days / "p.parquet").rename(path)
        with pytest.raises(InputDataError, match=r"sample/S\\xe3o.* is not UTF-8.* Rename it"):
            surveyed(days)
        with pytest.raises(InputDataError, match="is not UTF-8"):
            surveyed(path)
        path.unlink()
        if b"/" in name:
            path.parent.rmdir()
    part(days / "p.parquet").rename(days / os.fsdecode(b".S\xe3o.parquet"))
    assert list(surveyed(days)[0].passed_over) == [f"{days}/.S\\xe3o.parquet"]

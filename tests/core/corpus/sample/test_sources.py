import os

import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample.listing import list_sample, sample_root, survey_sample
from tasks.core.round.sections import Sample
from tests.support.round_files import write_sample
from tests.support.sample_files import compress, rows_of, write_csv, write_json_lines


def names(path):
    return [file.name for file in list_sample(Sample(path=path))]


@pytest.fixture
def tweets(tmp_path):
    for month in ("2019-12", "2020-01", "2020-02"):
        write_sample(tmp_path / "tweets" / month, 20, files=2)
    return tmp_path / "tweets"


def test_a_glob_finds_files_below_the_part_before_its_wildcards(tweets):
    assert names(tweets / "2020-*" / "part-*.parquet") == [
        f"2020-0{month}/part-{number}.parquet" for month in (1, 2) for number in (0, 1)
    ]
    assert sample_root(Sample(path=tweets / "2020-*" / "part-*.parquet")) == tweets
    assert names(tweets / "2020-0[2]" / "*-1.parquet") == ["2020-02/part-1.parquet"]
    assert names(tweets / "2020-0?") == names(tweets / "2020-*" / "**")


def test_a_glob_passes_over_what_other_programs_leave(tweets):
    (tweets / "_temporary").mkdir()
    (tweets / "_temporary" / "part-0.parquet").write_bytes(b"half")
    assert len(names(tweets / "*" / "part-0.parquet")) == 3


def test_a_name_with_wildcard_characters_that_is_there_is_no_glob(tweets):
    (tweets / "2020-01").rename(tweets / "[1]")
    assert names(tweets / "[1]") == ["part-0.parquet", "part-1.parquet"]


@pytest.mark.parametrize(
    ("path", "message"),
    [("tweets/2021-*/*.parquet", r"no file matches .*2021-\*"), ("tweets/2021", "no sample at .*2021")],
)
def test_nothing_there_is_named(tweets, path, message):
    with pytest.raises(InputDataError, match=message):
        list_sample(Sample(path=tweets.parent / path))


def test_foreign_files_kinds_beside_each_other_and_copies_are_refused(tmp_path):
    write_csv(tmp_path / "s" / "a.csv.gz", [("1", "x")])
    for name, message in (
        ("a.csv", r"1 files more than once, compressed and not: .*a\.csv"),
        ("b.jsonl", r"several kinds: 1 CSV, such as .*a\.csv\.gz; 1 JSON Lines, such as .*b\.jsonl"),
        ("c.parquet.gz", r"1 files of kinds that are not known: .*c\.parquet\.gz.* \.ndjson, \.json, of the text"),
    ):
        (tmp_path / "s" / name).write_bytes(b"")
        with pytest.raises(InputDataError, match=message):
            list_sample(Sample(path=tmp_path / "s"))
        (tmp_path / "s" / name).unlink()
    assert rows_of(tmp_path / "s") == [("1", "x")]


def test_text_and_its_compressed_neighbours_are_one_sample(tmp_path):
    write_json_lines(tmp_path / "s" / "b.ndjson.gz", [(2, "y")])
    write_json_lines(tmp_path / "s" / "sub" / "a.jsonl", [(3, "z")])
    write_json_lines(tmp_path / "s" / "a.jsonl.zst", [(1, "x")])
    assert rows_of(tmp_path / "s") == [(1, "x"), (2, "y"), (3, "z")]
    assert names(tmp_path / "s") == ["a.jsonl.zst.parquet", "b.ndjson.gz.parquet", "sub/a.jsonl.parquet"]


def test_ids_of_several_types_in_several_files_are_refused(tmp_path):
    write_json_lines(tmp_path / "s" / "a.jsonl", [(1, "x")])
    compress(tmp_path / "s" / "empty.jsonl", b"")
    assert rows_of(tmp_path / "s" / "a.jsonl") == [(1, "x")]
    assert [file.rows for file in list_sample(Sample(path=tmp_path / "s"))] == [1, 0]
    write_json_lines(tmp_path / "s" / "b.jsonl", [("1", "x")])
    with pytest.raises(InputDataError, match=r"several types: int64 in .*, string in"):
        list_sample(Sample(path=tmp_path / "s"))


@pytest.mark.parametrize("kept", [-9, 0])
@pytest.mark.parametrize("name", ["b.csv.gz", "b.csv.bz2", "b.csv.lz4", "b.csv.zst"])
def test_a_torn_compressed_file_is_refused_or_skipped_by_name(tmp_path, name, kept):
    rows = [(number, "x" * number) for number in range(500)]
    write_csv(tmp_path / "s" / "a.csv", rows[:3])
    torn = write_csv(tmp_path / "s" / name, rows)
    torn.write_bytes(torn.read_bytes()[:kept])
    with pytest.raises(InputDataError, match=rf"{name} is not a whole \.(gz|bz2|lz4|zst) file"):
        list_sample(Sample(path=tmp_path / "s"))
    for _ in range(2):
        listing = survey_sample(Sample(path=tmp_path / "s", on_torn_file="skip"))
        assert [file.name for file in listing.files] == ["a.csv.parquet"]
        assert list(listing.torn) == [str(torn)]
        assert "is not a whole" in listing.torn[str(torn)]
    write_csv(torn, rows)
    assert len(list_sample(Sample(path=tmp_path / "s", on_torn_file="skip"))) == 2


def test_a_damaged_gzip_counts_as_torn_and_a_wrong_row_does_not(tmp_path):
    path = write_csv(tmp_path / "s" / "a.csv.gz", [(number, "x") for number in range(5_000)])
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputDataError, match=r"no rows; 1 more are torn and were skipped: .*a\.csv\.gz"):
        list_sample(Sample(path=tmp_path / "s", on_torn_file="skip"))
    compress(path, b"tweet_id,text\n1\n")
    with pytest.raises(InputDataError, match="has 1 fields"):
        list_sample(Sample(path=tmp_path / "s", on_torn_file="skip"))


def test_a_torn_file_is_read_again_while_such_files_are_refused(tmp_path):
    path = write_csv(tmp_path / "a.csv.gz", [(number, "x") for number in range(5_000)])
    whole, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    for content in (bytes([*whole[:-6], whole[-6] ^ 1, *whole[-5:]]), whole):
        path.write_bytes(content)
        os.utime(path, ns=times)
        if content != whole:
            with pytest.raises(InputDataError, match="is not a whole"):
                list_sample(Sample(path=path))
    assert len(rows_of(path)) == 5_000


def test_a_file_that_cannot_be_opened_is_not_taken_for_a_torn_one(tweets):
    (tweets / "2020-01" / "gone.parquet").symlink_to(tweets / "none.parquet")
    with pytest.raises(InputDataError, match=r"gone\.parquet cannot be read"):
        list_sample(Sample(path=tweets / "2020-01", on_torn_file="skip"))


def test_a_torn_parquet_file_is_skipped_when_asked(tweets):
    torn = tweets / "2020-01" / "part-0.parquet"
    torn.write_bytes(torn.read_bytes()[:-20])
    listing = survey_sample(Sample(path=tweets / "2020-01", on_torn_file="skip"))
    assert [file.name for file in listing.files] == ["part-1.parquet"]
    assert list(listing.torn) == [str(torn)]
    pq.write_table(pq.read_table(tweets / "2020-02" / "part-0.parquet"), torn)
    assert survey_sample(Sample(path=tweets / "2020-01", on_torn_file="skip")).torn == {}


def test_each_file_that_is_converted_is_told_once(tmp_path, caplog):
    for name in ("a", "b"):
        write_csv(tmp_path / "s" / f"{name}.csv", [("1", name)])
    told = []
    survey_sample(Sample(path=tmp_path / "s"), told.append)
    assert [line.split(" (")[0] for line in told] == [
        f"file {number} of 2: {tmp_path / 's' / name}" for number, name in ((1, "a.csv"), (2, "b.csv"))
    ]
    assert "bytes) was converted to Parquet in" in told[0]
    write_csv(tmp_path / "s" / "b.csv", [("1", "changed")])
    with caplog.at_level("INFO", "winnow.corpus"):
        survey_sample(Sample(path=tmp_path / "s"))
        survey_sample(Sample(path=tmp_path / "s"))
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        f"file 2 of 2: {tmp_path / 's' / 'b.csv'}"
    ]

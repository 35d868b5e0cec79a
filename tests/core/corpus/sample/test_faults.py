"""Faults of the disk are no faults of a sample's files, and torn files are what the decoder calls so."""

import base64
import errno
import json
import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

from tasks.core.base.errors import DiskFullError, WinnowError
from tasks.core.corpus.faults import TornFileError, UnreadableFileError
from tasks.core.corpus.sample.listing import list_sample, survey_sample
from tasks.core.corpus.sample.reading import draw_texts, read_rows
from tasks.core.round.sections import Sample
from tests.support.file_faults import faulty_environment
from tests.support.sample_files import compress, rows_of, write_csv

ROWS = [(number, f"text {number}") for number in range(40)]
LONG_WINDOW = base64.b64decode("KLUv/QCgPQAAYQA=")
"""An empty zstd frame whose header asks for a window of 2 GiB; `zstd --long=31` makes such ones."""


def skipping(path, **settings):
    return Sample(path=path, on_torn_file="skip", **settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [("a.csv", "b.csv.zst"), pytest.param(("a.csv", "b.csv.gz", "c.csv.zst", "d.csv.bz2"), marks=pytest.mark.drill)],
)
def test_a_fault_of_the_disk_is_named_and_costs_no_row(tmp_path, names):
    for name in names:
        write_csv(tmp_path / "sample" / name, ROWS)
    command = [sys.executable, "-m", "tests.core.corpus.sample.faulty_conversion", str(tmp_path)]
    done = subprocess.run(command, env=faulty_environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {fault["fault"][0] for fault in found} == {"open", "read", "write"}
    assert len(found) > 100
    for fault in found:
        faulty, whole = fault["faulty"], {"rows": len(names) * len(ROWS), "torn": {}}
        assert faulty == whole or faulty.get("ours"), fault
        assert fault["left"] == [], fault
        assert fault["after"] == whole, fault
    refused = [fault for fault in found if "error" in fault["faulty"]]
    assert len(refused) > len(found) / 2
    full = [fault for fault in refused if fault["fault"][0] == "write" and fault["fault"][2] == "ENOSPC"]
    assert full
    assert all(fault["faulty"]["error"].startswith("DiskFullError") for fault in full)


def test_a_full_disk_keeps_its_number():
    assert pickle.loads(pickle.dumps(DiskFullError("full"))).errno == errno.ENOSPC  # noqa: S301 - made here


def test_a_fault_of_the_disk_while_a_shard_is_read_stays_one_that_is_tried_again(tmp_path):
    with pytest.raises(FileNotFoundError) as gone:
        read_rows(tmp_path / "none.parquet", 0, 1, "tweet_id", "text")
    assert not isinstance(gone.value, WinnowError)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl.zst", LONG_WINDOW, r"too much memory for decoding\. Its window is larger.*zstd -dc --long=31"),
        ("a.csv.gz", b"tweet_id,text\n1,a\n", r"Not a gzipped file.*check that its name says how"),
        ("a.csv.bz2", b"tweet_id,text\n1,a\n", r"no magic header"),
        ("a.csv.lz4", bytes(64), r"frameType_unknown"),
        ("a.csv.zst", b"tweet_id,text\n1,a\n", r"Unknown frame descriptor"),
        ("a.parquet", b"version https://git-lfs.github.com/spec/v1\n", r"is no Parquet file: it begins with b'vers'"),
        ("a.parquet", bytes(200), r"is no Parquet file"),
    ],
)
def test_what_cannot_be_read_here_is_never_torn_and_never_skipped(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFileError, match=message) as error:
        survey_sample(skipping(tmp_path))
    assert str(tmp_path / name) in str(error.value)


def test_gzip_data_that_was_altered_is_torn(tmp_path):
    path = write_csv(tmp_path / "a.csv.gz", [(number, zlib.crc32(b"%d" % number)) for number in range(3_000)])
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(TornFileError, match="is not a whole"):
        list_sample(Sample(path=path))


def test_a_torn_file_that_is_mended_is_read_though_size_and_time_are_the_same(tmp_path):
    write_csv(tmp_path / "s" / "a.csv", ROWS)
    path = write_csv(tmp_path / "s" / "b.csv.gz", ROWS)
    whole, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    for content, rows in ((bytes([*whole[:-6], whole[-6] ^ 1, *whole[-5:]]), 40), (whole, 80)):
        path.write_bytes(content)
        os.utime(path, ns=times)
        assert sum(file.rows for file in list_sample(skipping(tmp_path / "s"))) == rows


class Keys(encryption.KmsClient):
    """Keys that stand in the file as they are."""

    def __init__(self, _settings):
        encryption.KmsClient.__init__(self)

    def wrap_key(self, key, _master):
        return base64.b64encode(key).decode()

    def unwrap_key(self, key, _master):
        return base64.b64decode(key)


@pytest.mark.parametrize("plaintext_footer", [False, True])
def test_an_encrypted_parquet_file_is_named_so_and_never_skipped(tmp_path, plaintext_footer):
    table = pa.table({"tweet_id": [1, 2], "text": ["a", "b"]})
    asked = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["text"]}, plaintext_footer=plaintext_footer
    )
    properties = encryption.CryptoFactory(Keys).file_encryption_properties(encryption.KmsConnectionConfig(), asked)
    with pq.ParquetWriter(tmp_path / "a.parquet", table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with pytest.raises(UnreadableFileError, match=r"a\.parquet is encrypted"):
        survey_sample(skipping(tmp_path))


def write_parquet(path: Path, rows: int = 40) -> Path:
    table = pa.table({"tweet_id": list(range(rows)), "text": [f"text {number}" for number in range(rows)]})
    pq.write_table(table, path, compression="snappy")
    return path


def test_a_codec_that_arrow_lacks_is_named(tmp_path):
    path = write_parquet(tmp_path / "a.parquet")
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for place in range(footer, len(content) - 8):
        if content[place - 1 : place + 1] == b"\x15\x02":
            path.write_bytes(content[:place] + b"\x06" + content[place + 1 :])
            try:
                if "LZO" in {pq.read_metadata(path).row_group(0).column(at).compression for at in (0, 1)}:
                    break
            except (OSError, pa.ArrowException):
                continue
    with pytest.raises(UnreadableFileError, match="LZO"):
        survey_sample(skipping(tmp_path))


def test_damaged_pages_are_named_when_they_are_read(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", 5_000)
    files = list_sample(Sample(path=path))
    content = path.read_bytes()
    path.write_bytes(content[:40] + bytes(4_000) + content[4_040:])
    with pytest.raises(UnreadableFileError, match=r"a\.parquet cannot be read as Parquet"):
        read_rows(path, 0, 5_000, "tweet_id", "text")
    path.write_bytes(content[:-20_000] + bytes(14_000) + content[-6_000:])
    with pytest.raises(UnreadableFileError, match=r"a\.parquet cannot be read as Parquet"):
        draw_texts(files, Sample(path=path), 4_000, 1, "count")


DAMAGE = """
import sys
from pathlib import Path
from tasks.core.base.errors import WinnowError
from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.round.sections import Sample
path, refused = Path(sys.argv[1]), 0
whole = path.read_bytes()
footer = range(len(whole) - 8 - int.from_bytes(whole[-8:-4], "little"), len(whole) - 8)
for at in footer:
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:])
    try:
        survey_sample(Sample(path=path))
    except WinnowError:
        refused += 1
print(len(footer), refused)
"""


@pytest.mark.slow
def test_no_damage_of_a_footer_ends_the_process(tmp_path):
    """Arrow aborts when it is asked for the statistics or sizes of some damaged columns."""
    path = write_parquet(tmp_path / "a.parquet", 5)
    command = [sys.executable, "-c", DAMAGE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[4])
    assert done.returncode == 0, done.stderr[-2_000:]
    tried, refused = map(int, done.stdout.split())
    assert tried > refused > 50


def test_torn_ones_are_skipped_as_ever(tmp_path):
    write_csv(tmp_path / "a.csv", ROWS)
    compress(tmp_path / "b.csv.gz", b"tweet_id,text\n1,a\n" * 3_000)
    (tmp_path / "b.csv.gz").write_bytes((tmp_path / "b.csv.gz").read_bytes()[:-12])
    listing = survey_sample(skipping(tmp_path))
    assert list(listing.torn) == [str(tmp_path / "b.csv.gz")]
    assert len(rows_of(tmp_path / "a.csv")) == len(ROWS)

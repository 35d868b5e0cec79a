import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample import to_parquet as module
from tasks.core.corpus.sample.listing import list_sample, sample_root
from tasks.core.round.sections import Sample
from tests.support.sample_files import compress, rows_of, write_csv

PEAK_OF_LISTING = """
import sys
from pathlib import Path
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.round.sections import Sample
from tests.support.memory import peak_kibibytes
before = peak_kibibytes()
list_sample(Sample(path=Path(sys.argv[1])))
print(peak_kibibytes() - before)
"""


@pytest.fixture
def conversions(monkeypatch):
    """Count the real conversions."""
    done, convert = [], module._convert

    def counted(path, *rest):
        done.append(path.name)
        return convert(path, *rest)

    monkeypatch.setattr(module, "_convert", counted)
    return done


def listed(path, **settings):
    return list_sample(Sample(path=path, **settings))[0]


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tmp_path, conversions):
    path = write_csv(tmp_path / "a.csv.gz", [("1", "x")])
    first = listed(path)
    assert listed(path) == first
    assert conversions == ["a.csv.gz"]
    write_csv(path, [("1", "y")])
    os.utime(path, ns=(0, 1))
    assert listed(path).digest != first.digest
    assert rows_of(path) == [("1", "y")]
    assert conversions == ["a.csv.gz"] * 2


def test_a_touched_or_moved_file_stays_the_same_to_a_run(tmp_path):
    path = write_csv(tmp_path / "here" / "a.csv", [("1", "x")])
    first = listed(path)
    os.utime(path, ns=(0, 1))
    assert listed(path).digest == first.digest
    moved = tmp_path / "there"
    path.parent.rename(moved)
    again = listed(moved / "a.csv")
    assert (again.name, again.digest) == (first.name, first.digest)
    assert again.path != first.path


def test_one_changed_byte_of_text_changes_the_digest(tmp_path):
    path = write_csv(tmp_path / "a.csv", [("1", "x" * 40)] * 3)
    first = listed(path)
    path.write_bytes(path.read_bytes()[:-10] + b"y" + path.read_bytes()[-9:])
    os.utime(path, ns=(0, 1))
    assert listed(path).digest != first.digest


def test_a_converted_file_that_is_gone_or_torn_is_made_again(tmp_path, conversions):
    path = write_csv(tmp_path / "a.csv", [("1", "x")])
    first = listed(path)
    whole = Path(first.path).read_bytes()
    Path(first.path).write_bytes(whole[:-20])
    assert listed(path) == first
    Path(first.path).unlink()
    assert listed(path) == first
    assert Path(first.path).read_bytes() == whole
    assert len(conversions) == 3


def test_a_run_knows_the_same_file_whichever_version_converted_it(tmp_path, conversions, monkeypatch):
    path = write_csv(tmp_path / "a.csv", [("1", "x")])
    now = listed(path)
    monkeypatch.setattr(module, "CONVERSION_VERSION", 1)
    former = listed(path)
    assert len(conversions) == 2
    assert (former.name, former.digest) == (now.name, now.digest)
    assert former.path != now.path


def test_nothing_half_written_is_left_by_a_file_that_is_refused(tmp_path):
    path = compress(tmp_path / "a.csv", b"tweet_id,text\n" + b"1,x\n" * 60_000 + b"1\n")
    with pytest.raises(InputDataError, match="has 1 fields"):
        listed(path)
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_other_columns_of_one_sample_are_kept_apart(tmp_path, conversions):
    path = write_csv(tmp_path / "a.csv", [("1", "x", "y")], header=("tweet_id", "text", "body"))
    assert listed(path).path != listed(path, text_column="body").path
    listed(path)
    assert len(conversions) == 2


def test_the_converted_files_lie_where_the_sample_says_or_beside_it(tmp_path):
    path = write_csv(tmp_path / "data" / "a.csv", [("1", "x")])
    for sample, folder in (
        (Sample(path=path), tmp_path / "data" / "_converted"),
        (Sample(path=path.parent), tmp_path / "data" / "_converted"),
        (Sample(path=path.parent / "*.csv"), tmp_path / "data" / "_converted"),
        (Sample(path=path, converted_path=tmp_path / "kept"), tmp_path / "kept"),
    ):
        for _ in range(2):
            (file,) = list_sample(sample)
            assert sample_root(sample).parent == folder
            assert file.path == str(sample_root(sample) / file.name)


def test_a_place_that_cannot_be_and_a_source_that_is_gone_are_named(tmp_path):
    path = write_csv(tmp_path / "a.csv", [("1", "x")])
    with pytest.raises(InputDataError, match=r"a\.csv cannot be converted into .*set converted_path"):
        listed(path, converted_path=path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "gone.csv").symlink_to(tmp_path / "none.csv")
    with pytest.raises(InputDataError, match=r"gone\.csv cannot be read"):
        listed(tmp_path / "b")


def test_a_relative_place_is_refused():
    with pytest.raises(ValidationError, match=r"converted_path\n.*must be absolute"):
        Sample(path="a.csv", converted_path="kept")


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = write_csv(tmp_path / "a.csv", [("1", "x")])
    convert = module._convert

    def grow(*arguments):
        outcome = convert(*arguments)
        path.write_bytes(path.read_bytes() + b"2,y\n")
        return outcome

    monkeypatch.setattr(module, "_convert", grow)
    with pytest.raises(InputDataError, match="has changed while it was read"):
        listed(path)
    monkeypatch.undo()
    assert rows_of(path) == [("1", "x"), ("2", "y")]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv.gz", pytest.param("jsonl.gz", marks=pytest.mark.drill)])
def test_memory_does_not_grow_with_the_file(tmp_path, suffix):
    line = '{"tweet_id": 1, "text": "%s"}\n' if suffix.startswith("jsonl") else "1,%s\n"
    head = "" if suffix.startswith("jsonl") else "tweet_id,text\n"
    peaks = []
    for rows in (50_000, 150_000):
        path = compress(tmp_path / f"{rows}.{suffix}", (head + (line % ("x" * 4_000)) * rows).encode())
        command = [sys.executable, "-c", PEAK_OF_LISTING, str(path)]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    assert 0 < peaks[1] < 1.2 * peaks[0]

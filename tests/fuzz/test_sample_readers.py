"""Damaged samples and labelled data are read or refused by errors of ours, never by a library's."""

import bz2
import gzip
import io
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.prepare import prepare_splits
from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.corpus.sample.reading import draw_texts, read_rows
from tasks.core.round.sections import LabelledData, Sample
from tasks.core.runs.shards.scorable_rows import part_rows
from tests.support.fuzzing import CHANGES, SECONDS, changed, fuzz, quick_folder
from tests.support.labelled_files import request

ROWS = 60
IDS = [7 * number for number in range(ROWS)]
TEXTS = [f"text {number} é" * (number % 5) for number in range(ROWS)]
LABELS = [number % 2 for number in range(ROWS)]
KINDS = [("yes", "no", None)[number % 3] for number in range(ROWS)]
PACKERS = {
    "": bytes,
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".bz2": bz2.compress,
    ".zst": lambda content: pa.Codec("zstd").compress(content, asbytes=True),
    ".lz4": lambda content: pa.Codec("lz4").compress(content, asbytes=True),
}
CSV_WORDS = (
    *(b"tweet_id,text\n", b"1,a\n", b'2,"b\n', b'"', b'""', b",", b"\n", b"\r", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe"),
    *("é😀".encode(), b"2.7e+17,x\n", b"nan,x\n", b"text,tweet_id\n", b"tweet_id,text,text\n", b"x" * 300),
)
JSON_WORDS = (
    *(b'{"tweet_id": 1, "text": "a"}\n', b'{"tweet_id": "b", "text": "c"}\n', b"{", b"}", b"[", b"]", b":", b",", b'"'),
    *(
        b'"tweet_id"',
        b'"text"',
        b"1",
        b"-0.0",
        b"1e999",
        b"NaN",
        b"Infinity",
        b"null",
        b"true",
        b"\\ud83d",
        b"\\",
        b"\n",
    ),
    *(b"9" * 5_000, b"[" * 3_000, b"\xff", b"\xef\xbb\xbf", "é😀".encode(), b"9223372036854775808", b"\x00"),
)


def parquet_bytes(table, **how):
    sink = io.BytesIO()
    pq.write_table(table, sink, **how)
    return sink.getvalue()


def tables():
    columns = {"tweet_id": IDS, "text": TEXTS, "good": LABELS, "kind": KINDS}
    plain = pa.table(columns)
    strings = plain.set_column(0, "tweet_id", pa.array([f"id {id_}" for id_ in IDS], pa.string_view()))
    categories = plain.set_column(1, "text", plain["text"].dictionary_encode())
    return (
        (plain, {}),
        (plain, {"compression": "none"}),
        (strings, {"compression": "zstd"}),
        (categories, {}),
        (
            plain,
            {"use_dictionary": False, "data_page_version": "2.0", "row_group_size": 20, "write_page_checksum": True},
        ),
    )


def delimited_bytes(delimiter):
    rows = zip(IDS, TEXTS, LABELS, KINDS, strict=True)
    lines = [delimiter.join(map(str, row)) for row in [("tweet_id", "text", "good", "kind"), *rows]]
    return "\n".join(lines).encode()


PARQUET = st.builds(changed, st.sampled_from([parquet_bytes(table, **how) for table, how in tables()]), CHANGES)
LINES = {
    "csv": st.lists(st.sampled_from(CSV_WORDS) | st.binary(max_size=4), max_size=12).map(b"".join),
    "jsonl": st.lists(st.sampled_from(JSON_WORDS) | st.binary(max_size=4), max_size=12).map(b"".join),
}
HEADS = {"csv": b"tweet_id,text\n", "jsonl": b'{"tweet_id": 1, "text": "a"}\n'}


@st.composite
def lines(draw, kind):
    """A text file, mostly with a good beginning, maybe compressed, and maybe damaged after that."""
    content = draw(st.sampled_from([HEADS[kind], b""])) + draw(LINES[kind])
    suffix = draw(st.sampled_from(list(PACKERS)))
    packed = PACKERS[suffix](content)
    return f"a.{kind}{suffix}", changed(packed, draw(CHANGES)) if draw(st.booleans()) else packed


INPUTS = {
    "parquet": PARQUET.map(lambda content: ("a.parquet", content)),
    "csv": lines("csv"),
    "jsonl": lines("jsonl"),
}
LABELLED = {
    "parquet": PARQUET.map(lambda content: ("a.parquet", content)),
    **{
        suffix: st.tuples(st.just(f"a.{suffix}"), st.builds(changed, st.just(delimited_bytes(delimiter)), CHANGES))
        for suffix, delimiter in (("csv", ","), ("tsv", "\t"))
    },
}
SETTINGS = st.sampled_from(
    [{}, {"label_column": "kind"}, {"label_column": "good", "label_names": ["no", "yes"]}, {"where": {"kind": "yes"}}]
)


@pytest.fixture
def folder():
    with quick_folder() as made:
        yield made


def emptied(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def read_sample(folder, named):
    """Do all that is done with a sample's rows before a model sees them; what is listed must be read or refused."""
    name, content = named
    (emptied(folder) / name).write_bytes(content)
    sample = Sample(path=folder, on_torn_file="skip")
    files = survey_sample(sample).files
    for file in files:
        rows = read_rows(file.path, 0, file.rows, "tweet_id", "text")
        good, bad = part_rows(rows)
        assert len(good) + len(bad) == len(rows) == file.rows
    draw_texts(files, sample, 1, 1, "count")


def read_labelled(folder, drawn):
    (name, content), settings = drawn
    path = emptied(folder) / name
    path.write_bytes(content)
    asked = request({"good": "yes" if "label_column" in settings else "good"})
    prepare_splits(LabelledData(path=path, **settings), asked, folder / "splits")


@pytest.mark.parametrize("kind", INPUTS)
def test_samples(folder, kind):
    assert fuzz(lambda named: read_sample(folder / "sample", named), INPUTS[kind]) >= 10


@pytest.mark.parametrize("kind", LABELLED)
def test_labelled_data(folder, kind):
    assert fuzz(lambda drawn: read_labelled(folder / "data", drawn), st.tuples(LABELLED[kind], SETTINGS)) >= 10


@pytest.mark.drill
@pytest.mark.parametrize("kind", INPUTS)
def test_samples_for_long(folder, kind):
    done = fuzz(lambda named: read_sample(folder / "sample", named), INPUTS[kind], SECONDS / 6)
    print(f"{done} samples of {kind}")  # noqa: T201


@pytest.mark.drill
@pytest.mark.parametrize("kind", LABELLED)
def test_labelled_data_for_long(folder, kind):
    inputs = st.tuples(LABELLED[kind], SETTINGS)
    done = fuzz(lambda drawn: read_labelled(folder / "data", drawn), inputs, SECONDS / 6)
    print(f"{done} labelled files of {kind}")  # noqa: T201


def test_an_error_that_is_not_ours_is_found():
    with pytest.raises(ZeroDivisionError):
        fuzz(lambda number: 1 / number, st.integers(0, 3))
    fuzz(lambda _: (_ for _ in ()).throw(InputDataError("ours")), st.integers())

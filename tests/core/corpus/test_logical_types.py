"""One meaning of an id, a class and nothing, whatever the file's format and whichever type a program wrote."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.encodings import likely_encoding
from tasks.core.corpus.logical_types import BLANKS, blank_strings, is_blank, spell
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.corpus.sample.reading import draw_texts, read_rows
from tasks.core.ranking.row_texts import with_texts
from tasks.core.round.sections import Sample
from tasks.core.runs.shards.scorable_rows import part_rows
from tests.support.labelled_files import all_rows, ids, parquet, prepare, request, texts
from tests.support.sample_files import compress

WORDS = ["", "  ", "nan", "NaN", "NULL", "null", "None", "N/A", "n/a", "NA", "<NA>", "\\N", None]
WORDS += ["-nan", "-NaN", "NaT", "#NA", "#N/A", "#N/A N/A", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"]
STRINGS = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()))
INTEGERS = (
    pa.int8(),
    pa.int16(),
    pa.int32(),
    pa.int64(),
    pa.uint8(),
    pa.uint32(),
    pa.dictionary(pa.int8(), pa.int64()),
)


def parted(path, **settings):
    """Return the ids that can be scored, the reasons of the rest, and the one type of all ids."""
    files = list_sample(Sample(path=path, **settings))
    tables = [read_rows(file.path, 0, file.rows, "tweet_id", "text") for file in files if file.rows]
    (id_type,) = {table.schema.field("id").type for table in tables}
    parts = [part_rows(table) for table in tables]
    reasons = [reason for _, bad in parts for reason in bad["reason"].to_pylist()]
    return [id_ for good, _ in parts for id_ in good["id"].to_pylist()], reasons, id_type


def write(folder, name, table):
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(table), folder / name)
    return folder


def as_csv(words):
    return "".join(f'"{word}",text {number}\n' for number, word in enumerate(words))


def as_json_lines(words):
    return "".join(json.dumps({"tweet_id": word, "text": f"text {number}"}) + "\n" for number, word in enumerate(words))


@pytest.mark.parametrize("word", WORDS)
def test_blank_is_blank_one_by_one_and_by_the_column(word):
    assert is_blank(word)
    assert blank_strings(pa.array([word], pa.string())).to_pylist() == [True]
    assert not is_blank("nano")
    assert blank_strings(pa.array(["nano", "0", "none of it"])).to_pylist() == [False] * 3


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_with_blank_ids_are_quarantined_in_every_format(tmp_path, suffix):
    words = ["a-1", *[word for word in WORDS if word is not None], "7"]
    if suffix == "parquet":
        write(tmp_path, "a.parquet", {"tweet_id": words, "text": [f"text {number}" for number in range(len(words))]})
    else:
        head, lines = ("tweet_id,text\n", as_csv) if suffix == "csv" else ("", as_json_lines)
        compress(tmp_path / f"a.{suffix}", (head + lines(words)).encode())
    scored, reasons, _ = parted(tmp_path)
    assert scored == ["a-1", "7"]
    assert reasons == [f"id is blank: {word!r}" for word in words[1:-1]]


def test_nan_is_null_in_json(tmp_path):
    compress(
        tmp_path / "a.jsonl",
        b'{"tweet_id": 1, "text": "a"}\n{"tweet_id": NaN, "text": "b"}\n{"tweet_id": 3, "text": NaN}',
    )
    assert parted(tmp_path)[:2] == ([1], ["id is null", "text is null"])


@pytest.mark.parametrize("id_", ["2.7e+17", "123.0", "2,71E+17", " 2.7e17 "])
@pytest.mark.parametrize("type_", STRINGS)
def test_ids_written_as_floats_are_refused_in_parquet_too(tmp_path, id_, type_):
    write(tmp_path, "a.parquet", {"tweet_id": pa.array(["a", id_], type_), "text": ["x", "y"]})
    with pytest.raises(InputDataError, match=r"1 of 2 ids in column 'tweet_id' of .*a\.parquet are written as floats"):
        list_sample(Sample(path=tmp_path))


def test_an_id_written_as_a_float_far_within_a_file_is_refused_when_it_is_read(tmp_path):
    values = [*map(str, range(20_000)), "2.7e+17"]
    write(tmp_path, "a.parquet", {"tweet_id": values, "text": ["x"] * len(values)})
    (file,) = list_sample(Sample(path=tmp_path))
    with pytest.raises(InputDataError, match=r"1 of 1 ids .* are written as floats"):
        read_rows(file.path, 20_000, 20_001, "tweet_id", "text")


@pytest.mark.parametrize(
    ("types", "values", "kept"), [(STRINGS, ["7", "07"], pa.string()), (INTEGERS, [7, 8], pa.int64())]
)
def test_ids_of_one_logical_type_are_one_type_in_the_end(tmp_path, types, values, kept):
    for number, type_ in enumerate(types):
        write(
            tmp_path,
            f"{number}.parquet",
            {"tweet_id": pa.array(values, type_), "text": pa.array(["a", "b"], STRINGS[number % 4])},
        )
    write(tmp_path, "none.parquet", {"tweet_id": pa.nulls(0), "text": pa.nulls(0)})
    write(tmp_path, "other.parquet", {"tweet_id": pa.array([], pa.float64()), "text": pa.array([], pa.int8())})
    write(tmp_path, "nothing.parquet", {"body": pa.array([], pa.int8())})
    assert parted(tmp_path) == (values * len(types), [], kept)
    sample = Sample(path=tmp_path)
    drawn = draw_texts(list_sample(sample), sample, 2 * len(types), 1, "count")
    assert sorted(drawn) == sorted(["a", "b"] * len(types))
    for number in range(len(types)):
        one = read_rows(tmp_path / f"{number}.parquet", 1, 2, "tweet_id", "text")
        assert (one["id"].to_pylist(), one["text"].to_pylist()) == (values[1:], ["b"])
    assert read_rows(tmp_path / "none.parquet", 0, 0, "tweet_id", "text").num_rows == 0
    asked = pa.table({"tweet_id": pa.array(values, kept)})
    assert with_texts(asked, sample)["text"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize(
    ("ids_", "texts_", "message"),
    [
        (pa.nulls(2), ["a", "b"], r"every id of the sample .* is null"),
        (pa.array([{"a": 1}] * 2), ["a", "b"], r"id column 'tweet_id' .* has type struct"),
        ([[1], [2]], ["a", "b"], r"id column 'tweet_id' .* has type list"),
        ([1, 2], [["a"], ["b"]], r"text column 'text' .* has type list"),
        ([1, 2], pa.array([{"a": "b"}] * 2), r"text column 'text' .* has type struct"),
        ([1, 2], [b"a", b"b"], r"text column 'text' .* has type binary"),
        (pa.array([True, False]), ["a", "b"], r"id column 'tweet_id' .* has type bool"),
    ],
)
def test_other_types_are_refused_by_name_without_a_word_of_damage(tmp_path, ids_, texts_, message):
    write(tmp_path, "a.parquet", {"tweet_id": ids_, "text": texts_})
    with pytest.raises(InputDataError, match=message) as refused:
        list_sample(Sample(path=tmp_path))
    assert "keep the damage" not in str(refused.value)


def test_a_part_whose_texts_are_all_null_is_quarantined(tmp_path):
    write(tmp_path, "a.parquet", {"tweet_id": [1, 2], "text": pa.nulls(2)})
    write(tmp_path, "b.parquet", {"tweet_id": [3], "text": ["c"]})
    assert parted(tmp_path)[:2] == ([3], ["text is null"] * 2)


def test_ids_beyond_int64_beside_signed_ones_are_refused_by_name(tmp_path):
    write(tmp_path, "a.parquet", {"tweet_id": pa.array([2**64 - 1], pa.uint64()), "text": ["a"]})
    assert parted(tmp_path)[0] == [2**64 - 1]
    write(tmp_path, "b.parquet", {"tweet_id": [-1], "text": ["a"]})
    with pytest.raises(InputDataError, match=r"several types: uint64 in .*a\.parquet, int64 in .*b\.parquet"):
        list_sample(Sample(path=tmp_path))


def test_csv_parts_without_a_byte_or_of_blank_lines_alone_have_no_rows(tmp_path):
    compress(tmp_path / "a.csv", b"tweet_id,text\n1,a\n")
    compress(tmp_path / "b.csv", b"")
    compress(tmp_path / "c.csv.gz", b"")
    for place, content in enumerate((b"\n", b"\r\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n")):
        compress(tmp_path / f"d{place}.csv.gz", content)
    assert parted(tmp_path)[0] == ["1"]


@pytest.mark.parametrize(
    ("values", "spelled"),
    [
        ([1, 1.0, "1", "1.0", " 1. ", "1.000"], "1"),
        ([True, "True", "true", "TRUE "], "True"),
        ([0, 0.0, "0.0", "-0.0"[1:]], "0"),
        (["1٣"], "1٣"),
        (["007"], "007"),
        (["0704.0001"], "0704.0001"),
        ([2.5, "2.5"], "2.5"),
        ([float("inf")], "inf"),
    ],
)
def test_a_value_is_spelled_alike_in_all_formats(values, spelled):
    assert {spell(value) for value in values} == {spelled}


@pytest.mark.parametrize(
    ("encoding", "text", "named"),
    [
        ("latin-1", "qué día", "Latin-1"),
        ("cp1252", "“café” €", "Windows-1252"),
        ("cp1252", "€ — “", "Windows-1252"),
        ("cp1252", "“não” é €5", "Windows-1252"),
        ("iso8859-2", "zażółć gęślą jaźń", "Latin-1"),
        ("cp1251", "привет мир @some_user https://example.org/page", "another script"),
        ("shift_jis", "これは本 カタカナ", "another script"),
        ("shift_jis", "東京タワー", "another script"),
        ("gbk", "你好 world", "another script"),
        ("big5", "你好世界 我愛台灣", "another script"),
        ("euc-kr", "안녕하세요 세계", "another script"),
        ("iso8859-7", "καλημέρα", "another script"),
        ("cp866", "привет", "another script"),
    ],
)
def test_encodings_are_named(encoding, text, named):
    assert named in likely_encoding([text.encode(encoding)] * 3)[0]
    assert "cut" in likely_encoding(["qué".encode()[:-1], "😀".encode()[:2]])[0]
    assert "surrogate" in likely_encoding(["\ud83d".encode("utf-8", "surrogatepass")])[0]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.csv.gz"])
def test_a_sample_in_another_encoding_is_refused_and_leaves_no_converted_file(tmp_path, name):
    lines = [
        f"{number},qué {number}" if "csv" in name else f'{{"tweet_id": {number}, "text": "qué {number}"}}'
        for number in range(50)
    ]
    head = "tweet_id,text\n" if "csv" in name else ""
    compress(tmp_path / name, (head + "\n".join(lines)).encode("latin-1"))
    with pytest.raises(InputDataError, match=r"50 of 50 texts of .* they look like Latin-1.*iconv -f LATIN1 -t UTF-8"):
        list_sample(Sample(path=tmp_path))
    assert not list(tmp_path.rglob("*.parquet"))
    compress(
        tmp_path / name,
        head.encode() + b"\n".join([lines[0].encode("latin-1")] * 2 + [line.encode() for line in lines[2:]]),
    )
    assert parted(tmp_path)[1] == ["text is not UTF-8"] * 2


def test_no_command_for_texts_is_named_for_parquet(tmp_path):
    words = pa.array(["qué".encode("latin-1")] * 300, pa.binary()).cast(pa.string(), safe=False)
    write(tmp_path, "a.parquet", {"tweet_id": range(300), "text": words})
    with pytest.raises(InputDataError, match=r"they look like Latin-1.* Write it again in UTF-8\."):
        list_sample(Sample(path=tmp_path))


@pytest.mark.parametrize("ids", [[5.0, 6.0], ["5.0", "6.0"]])
def test_no_damage_is_told_of_floats_that_have_lost_nothing(tmp_path, ids):
    write(tmp_path, "a.parquet", {"tweet_id": pa.array(ids).dictionary_encode(), "text": ["a", "b"]})
    with pytest.raises(InputDataError, match=r"none has lost a digit. Write them as integers") as refused:
        list_sample(Sample(path=tmp_path))
    assert "keep the damage" not in str(refused.value)


def test_a_part_of_a_byte_order_mark_alone_has_no_rows(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf")
    (tmp_path / "b.jsonl").write_text('{"tweet_id": 1, "text": "a"}\n')
    assert parted(tmp_path)[0] == [1]


def test_no_command_is_named_for_another_script(tmp_path):
    rows = "".join(f"{number},привет {number}\n" for number in range(300))
    compress(tmp_path / "a.csv", ("tweet_id,text\n" + rows).encode("cp1251"))
    with pytest.raises(InputDataError, match=r"another script.* Write it again in UTF-8\.") as refused:
        list_sample(Sample(path=tmp_path))
    assert "iconv" not in str(refused.value)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_small_part_of_a_sample_is_refused_only_when_most_of_it_is_not_utf8(tmp_path, suffix):
    def lines(odd, rows):
        words = ["qu\xe9"] * odd + ["que"] * (rows - odd)
        given = [
            f"{n},{w}" if suffix == "csv" else f'{{"tweet_id": "{n}", "text": "{w}"}}' for n, w in enumerate(words)
        ]
        return "\n".join(["tweet_id,text"] * (suffix == "csv") + given).encode("latin-1")

    compress(tmp_path / f"a.{suffix}", lines(20, 40))
    assert parted(tmp_path)[1] == ["text is not UTF-8"] * 20
    for odd, rows in ((21, 40), (3, 200)):
        compress(tmp_path / f"a.{suffix}", lines(odd, rows))
        with pytest.raises(InputDataError, match=f"{odd} of {rows} texts"):
            list_sample(Sample(path=tmp_path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl"])
def test_wide_characters_are_named(tmp_path, encoding, name):
    line = "tweet_id,text,good\n1,a,0\n" if "csv" in name else '{"tweet_id": 1, "text": "a"}\n'
    path = compress(tmp_path / name, line.encode(encoding))
    message = rf"{name} is not UTF-8; it looks like {encoding[:6].upper()}\. Write it again: iconv -f"
    with pytest.raises(InputDataError, match=message):
        list_sample(Sample(path=path))
    if "csv" in name:
        with pytest.raises(InputDataError, match=message):
            prepare(tmp_path, {"path": path})


@pytest.mark.parametrize("damage", ["cut", "window"])
def test_labelled_files_that_cannot_be_decompressed_say_why(tmp_path, damage):
    path = compress(tmp_path / "a.csv.zst", b"tweet_id,text,good\n" + b"1,a,0\n" * 5_000)
    path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else bytes.fromhex("28b52ffd00a03d00006100"))
    message = (
        r"is not a whole \.zst file and cannot be read: Truncated"
        if damage == "cut"
        else r"Recompress it: zstd -dc --long=31"
    )
    with pytest.raises(InputDataError, match=message):
        prepare(tmp_path, {"path": path})


def test_a_parquet_sample_in_another_encoding_is_refused(tmp_path):
    broken = pa.array(["qué".encode("latin-1")] * 1_000, pa.binary()).cast(pa.string(), safe=False)
    write(tmp_path, "a.parquet", {"tweet_id": range(1_000), "text": broken})
    with pytest.raises(InputDataError, match=r"1000 of 1000 texts of .*a\.parquet are not UTF-8; .* Latin-1"):
        list_sample(Sample(path=tmp_path))


@pytest.mark.parametrize("type_", STRINGS)
def test_labelled_ids_and_classes_are_the_same_in_every_type(tmp_path, type_):
    path = parquet(
        tmp_path / "a.parquet",
        tweet_id=pa.array([f"id {id_}" for id_ in range(60)], type_),
        text=pa.array(texts(60), type_),
        kind=pa.array(["yes", "no", "None"] * 20, type_),
    )
    splits = prepare(tmp_path, {"path": path, "label_column": "kind"}, request({"good": "yes"}))
    assert splits.left_out == {"blank good": 20}
    assert sum(splits.positives["good"].values()) == 20


def test_the_digits_of_another_script_are_no_integers(tmp_path):
    path = tmp_path / "a.csv"
    given = ["13", "1٣", *map(str, ids(58))]
    path.write_text(
        "tweet_id,text,good\n" + "".join(f"{id_},text {id_},{number % 2}\n" for number, id_ in enumerate(given))
    )
    splits = prepare(tmp_path, {"path": path})
    assert sorted(all_rows(splits).ids) == sorted(given)
    path.write_text(path.read_text().replace(",1\n", ",\u0661\n"))
    with pytest.raises(InputDataError, match=r"holds \['\u0661'\]"):
        prepare(tmp_path, {"path": path})


def test_negative_labelled_ids_beside_uint64_ones_are_an_error_of_ours(tmp_path):
    folder = tmp_path / "data"
    parquet(
        folder / "train.parquet",
        tweet_id=pa.array([2**63 + n for n in range(20)], pa.uint64()),
        text=texts(20),
        good=[0, 1] * 10,
    )
    parquet(folder / "dev.parquet", tweet_id=[-n - 1 for n in range(20)], text=texts(20, "dev"), good=[0, 1] * 10)
    with pytest.raises(InputDataError, match=rf"reach from -20 to {2**63 + 19}.* Write them as strings"):
        prepare(tmp_path, {"path": folder, "layout": "split_files"})


def test_every_blank_word_is_lower_case():
    assert [word.lower() for word in BLANKS] == list(BLANKS)

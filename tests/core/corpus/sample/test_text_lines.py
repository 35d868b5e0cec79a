import json

import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.corpus.sample.reading import decode_texts
from tasks.core.round.sections import Sample
from tests.support.sample_files import compress, converted, rows_of, write_csv, write_json_lines

TEXTS = ["plain", "", 'she said "hi", twice', "two\nlines\r\nand three", "é 日本 😀", "NA", "null"]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.CSV", "a.csv.zst", "a.csv.bz2", "a.csv.lz4"])
def test_csv_keeps_ids_and_texts_untouched(tmp_path, name):
    rows = [*((f"00{number}", text) for number, text in enumerate(TEXTS)), ("9223372036854775808", "x"), ("", "y")]
    assert rows_of(write_csv(tmp_path / name, rows)) == rows


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson.gz", "a.json", "a.jsonl.zst", "a.jsonl.bz2", "a.json.lz4"])
def test_json_lines_keep_integers_and_nulls(tmp_path, name):
    rows = [*enumerate(TEXTS), (2**63 - 1, None), (-(2**63), "x"), (None, "no id")]
    path = write_json_lines(tmp_path / name, rows)
    assert rows_of(path) == rows
    assert converted(path).schema.field("tweet_id").type == pa.int64()


def test_json_lines_keep_strings(tmp_path):
    rows = [("007", "a"), ("2020-01-01", "b"), ("1.50", "c")]
    assert rows_of(write_json_lines(tmp_path / "a.jsonl", [*rows[:2], ("x", "c")])) == [*rows[:2], ("x", "c")]


def test_only_two_columns_are_kept(tmp_path):
    path = write_csv(tmp_path / "a.csv", [("x", "1", "y")], header=("lang", "id", "body"))
    table = converted(path, id_column="id", text_column="body")
    assert table.to_pydict() == {"id": ["1"], "body": ["y"]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"tweet_id,text\n1,caf\xe9\n2,ok\n"),
        ("a.jsonl", b'{"tweet_id": 1, "text": "caf\xe9"}\n{"tweet_id": 2, "text": "ok"}\n'),
    ],
)
def test_bytes_that_are_not_utf8_come_through_to_be_quarantined(tmp_path, name, content):
    texts = converted(compress(tmp_path / name, content))["text"]
    assert decode_texts(texts) == [None, "ok"]
    assert texts.cast(pa.binary()).to_pylist() == [b"caf\xe9", b"ok"]


def test_half_a_surrogate_pair_is_kept_for_quarantine_and_spoils_no_other_row(tmp_path):
    path = compress(
        tmp_path / "a.jsonl", b'{"tweet_id": 1, "text": "cut \\ud83d"}\n{"tweet_id": 2, "text": "\\ud83d\\ude00"}'
    )
    assert decode_texts(converted(path)["text"]) == [None, "😀"]


def test_byte_order_marks_and_blank_lines_are_no_rows(tmp_path):
    mark = b"\xef\xbb\xbf"
    assert rows_of(compress(tmp_path / "a.csv", mark + b"tweet_id,text\r\n\r\n1,x\r\n\r\n")) == [("1", "x")]
    assert rows_of(compress(tmp_path / "a.jsonl", mark + b'\n{"tweet_id": 1, "text": "x"}\n\n')) == [(1, "x")]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.zst"])
def test_a_text_of_ten_megabytes_is_one_row(tmp_path, name):
    text = 'long "text",\n' * 800_000
    write = write_csv if name.startswith("a.csv") else write_json_lines
    assert [found for _, found in rows_of(write(tmp_path / name, [("1", text), ("2", "short")]))] == [text, "short"]


@pytest.mark.slow
def test_row_groups_end_at_50_000_rows_or_64_megabytes(tmp_path):
    many = write_csv(tmp_path / "many.csv", [(number, "x") for number in range(120_001)])
    assert list_sample(Sample(path=many))[0].row_groups == (50_000, 50_000, 20_001)
    large = write_csv(tmp_path / "large.csv.zst", [(number, "x" * 1_000_000) for number in range(100)])
    assert list_sample(Sample(path=large))[0].row_groups == (64, 36)


CSV_HEAD = "tweet_id,text\n1,a\n"
JSON_HEAD = '{"tweet_id": 1, "text": "a"}\n\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,body\n1,a\n", r"no column 'tweet_id'.* It has: id, body"),
        ("a.csv", "tweet_id;text\n1;a\n", r"is one column, 'tweet_id;text', when read with commas, but it holds ';'"),
        ("a.csv", "tweet_id,text,text\n1,a,b\n", r"several columns called 'text'"),
        ("a.csv", "\n", "1 files and no rows"),
        ("a.csv", "\n" + CSV_HEAD, "has no header"),
        ("a.csv", "", "1 files and no rows"),
        ("a.csv", CSV_HEAD + "2,b,c\n", r"ends on line 3 has 3 fields, but the header has 2"),
        ("a.csv", CSV_HEAD + '2,"b\n3,"c"\n', r"not CSV by line 4"),
        ("a.csv", CSV_HEAD + '2,"b\n3,c\n', r"not CSV by line 4: unexpected end of data"),
        ("a.csv", CSV_HEAD + "2.71832489310437e+17,b\n", r"written as floats, such as \['2.71832489310437e\+17'\]"),
        ("a.jsonl", JSON_HEAD + '{"tweet_id": 2, "te', r"line 3 of .* is not JSON.*begins .*\{\"tweet_id\": 2"),
        ("a.json", '[{"tweet_id": 2, "text": "x"}]', r"line 1 .* is list .*must be an object.*jq -c"),
        ("a.json", '[\n{"tweet_id": 2, "text": "x"}\n]', r"line 1 .* is not JSON.*jq -c"),
        ("a.jsonl", '{"id": 2, "body": "x"}\n' * 2, r"no column 'text' in its first 2 lines; .* has: id, body"),
        ("a.jsonl", JSON_HEAD + '{"tweet_id": 2, "text": 7}\n', r"text 'text' in line 3 of .* is int 7"),
        ("a.jsonl", JSON_HEAD + '{"tweet_id": "b", "text": ""}\n', r"line 3 of .* is 'b'; the ids before .* integers"),
        ("a.jsonl", '{"tweet_id": "b", "text": ""}\n' + JSON_HEAD, r"line 2 of .* is 1; the ids before .* strings"),
        ("a.jsonl", JSON_HEAD + '{"tweet_id": 2.5, "text": ""}\n', r"are floats: 2\.5 in line 3"),
        ("a.jsonl", '{"tweet_id": 2.7e17, "text": ""}\n' * 4, r"are floats: 2\.7e\+17 in line 1, .* in line 3;"),
        ("a.jsonl", JSON_HEAD + f'{{"tweet_id": {2**63}, "text": ""}}\n', rf"line 3 .* is {2**63}, which is no 64-bit"),
        ("a.jsonl", '{"tweet_id": true, "text": ""}\n', r"in line 1 of .* is True; all ids"),
        ("a.jsonl", "", r"1 files and no rows"),
        ("a.csv", "tweet_id,text\n", r"1 files and no rows"),
    ],
)
def test_what_cannot_be_carried_over_is_refused_with_its_place(tmp_path, name, content, message):
    path = compress(tmp_path / name, content.encode())
    with pytest.raises(InputDataError, match=f"(?s){message}") as error:
        list_sample(Sample(path=path))
    assert str(path) in str(error.value)


def test_ids_that_change_type_in_a_later_row_group_are_refused_by_line(tmp_path):
    lines = [json.dumps({"tweet_id": number, "text": "x"}) for number in range(50_000)]
    path = compress(tmp_path / "a.jsonl", "\n".join([*lines, '{"tweet_id": "b", "text": ""}']).encode())
    with pytest.raises(InputDataError, match=r"in line 50001 of .* is 'b'"):
        list_sample(Sample(path=path))


def test_a_column_that_some_lines_lack_is_null_there(tmp_path):
    path = compress(tmp_path / "a.jsonl", b'{"delete": 1}\n{"tweet_id": 1}\n{"tweet_id": 2, "text": "x"}\n')
    assert rows_of(path) == [(None, None), (1, None), (2, "x")]


def test_a_line_that_never_ends_is_refused_before_it_fills_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.core.corpus.sample.text_lines.LINE_BYTES", 1_000)
    for name, content in (("a.csv", "tweet_id,text\n1," + "x" * 1_000), ("b.jsonl", '{"text": "' + "x" * 1_000)):
        with pytest.raises(InputDataError, match=r"line \d of .* is longer than 1,000 bytes"):
            list_sample(Sample(path=compress(tmp_path / name, content.encode())))

"""Delimited text as people have it: quotes, line breaks, delimiters, byte order marks, blanks, ids."""

import gzip

import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.compressions import COMPRESSIONS
from tests.support.labelled_files import all_rows, delimited, ids, parquet, prepare, texts
from tests.support.sample_files import compress

HEADER = ("tweet_id", "text", "good")


def lines(rows=40):
    return [[id_, text, number % 2] for number, (id_, text) in enumerate(zip(ids(rows), texts(rows), strict=True))]


def by_id(splits):
    rows = all_rows(splits)
    return dict(zip(rows.ids, rows.texts, strict=True))


def test_csv_with_quotes_line_breaks_and_commas_in_texts(tmp_path):
    given = lines()
    given[0][1] = 'she said "no",\nthen left'
    splits = prepare(tmp_path, {"path": delimited(tmp_path / "a.csv", HEADER, given)})
    assert by_id(splits) == {id_: text for id_, text, _ in given}


def test_csv_and_parquet_give_the_same_digest(tmp_path):
    from_text = prepare(tmp_path, {"path": delimited(tmp_path / "a.csv", HEADER, lines())})
    columns = dict(zip(HEADER, map(list, zip(*lines(), strict=True)), strict=True))
    assert prepare(tmp_path, {"path": parquet(tmp_path / "a.parquet", **columns)}).digest == from_text.digest


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_byte_order_mark_and_compression_change_nothing(tmp_path, suffix):
    path = delimited(tmp_path / "a.csv", HEADER, lines())
    plain = prepare(tmp_path, {"path": path})
    packed = compress(tmp_path / f"b.CSV{suffix}", b"\xef\xbb\xbf" + path.read_bytes())
    assert prepare(tmp_path, {"path": packed}).digest == plain.digest


def test_quotes_in_a_tsv_are_letters_unless_quoting_is_on(tmp_path):
    path = tmp_path / "a.tsv"
    rows = "".join(f'{id_}\t"{text}\t{number}\n' for id_, text, number in lines())
    path.write_text("\t".join(HEADER) + "\n" + rows)
    assert set(all_rows(prepare(tmp_path, {"path": path})).texts) == {f'"{text}' for text in texts(40)}
    with pytest.raises(InputDataError, match=r"not closed where its field ends, by line 3: .*labelled_data.quoting"):
        prepare(tmp_path, {"path": path, "quoting": True})


def test_a_last_quote_that_is_never_closed_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{id_},{number},{text}\n" for id_, text, number in lines())
    path.write_text("tweet_id,good,text\n" + rows.replace("text 30\n", '"text 30\n'))
    with pytest.raises(InputDataError, match="not closed where its field ends, by line 41: unexpected end of data"):
        prepare(tmp_path, {"path": path})
    assert sum(prepare(tmp_path, {"path": path, "quoting": False}).rows.values()) == 40
    path.write_text("tweet_id,good,text\n" + rows + '7,1,"two\nlines"\n')
    assert by_id(prepare(tmp_path, {"path": path}))[7] == "two\nlines"


def test_quotes_that_close_before_their_field_ends_are_refused_without_line_breaks_too(tmp_path):
    given = "".join(f"{id_},{text},{number}\n" for id_, text, number in lines())
    path = tmp_path / "a.csv"
    path.write_text("tweet_id,text,good\n" + given.replace(",text 7,", ',"text" 7,'))
    with pytest.raises(InputDataError, match="not closed where its field ends, by line 9: "):
        prepare(tmp_path, {"path": path})
    assert '"text" 7' in by_id(prepare(tmp_path, {"path": path, "quoting": False})).values()
    path.write_text("tweet_id,text,good\n" + given.replace("text 7", 'text "7"'))
    assert 'text "7"' in by_id(prepare(tmp_path, {"path": path})).values()


@pytest.mark.parametrize("quoting", [True, False])
def test_carriage_returns_alone_end_lines(tmp_path, quoting):
    path = tmp_path / "a.csv"
    path.write_bytes(delimited(path, HEADER, lines()).read_bytes().replace(b"\n", b"\r"))
    assert by_id(prepare(tmp_path, {"path": path, "quoting": quoting})) == dict(zip(ids(40), texts(40), strict=True))


def test_an_open_quote_swallows_no_rows_that_end_in_carriage_returns(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{id_},{number},{text}\r" for id_, text, number in lines())
    torn = rows.replace("text 30\r", '"text 30\r').replace("text 35\r", '"text" 35\r')
    for content in (rows.replace("text 30\r", '"text 30\r'), torn):
        path.write_bytes(b"tweet_id,good,text\r" + content.encode())
        with pytest.raises(InputDataError, match="not closed where its field ends"):
            prepare(tmp_path, {"path": path})


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", ","), ("a.txt", "|")])
def test_another_delimiter_is_named_and_can_be_set(tmp_path, name, delimiter):
    path = delimited(tmp_path / name, HEADER, lines(), delimiter)
    with pytest.raises(InputDataError, match=r"Set labelled_data.delimiter to") as refused:
        prepare(tmp_path, {"path": path})
    assert repr(delimiter) in str(refused.value)
    assert by_id(prepare(tmp_path, {"path": path, "delimiter": delimiter})) == dict(
        zip(ids(40), texts(40), strict=True)
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"tweet_id,text,good\n1,a,0\n2,b, c,1\n",
            "Row #3: Expected 3 columns, got 4: 2,b, c,1.*labelled_data.quoting",
        ),
        (b"tweet_id,text,good\n1,a\n", "Row #2: Expected 3 columns, got 2"),
        (b"", "cannot be read: Empty CSV file"),
        (b"tweet_id,text,good\n", "has 0 rows"),
        (b"tweet_id,t\xe9xt,good\n1,a,0\n", "cannot be read: .*utf-8"),
        (b"tweet_id,text,good\n\xe9,a,0\n", "id column 'tweet_id' .* is not UTF-8"),
        (b"tweet_id,text,good\n1,a,\xe9\n", "label 'good' .* is not UTF-8"),
        (b"tweet_id,text,text,good\n1,a,b,0\n", "several columns called 'text'"),
        (b"tweet_id,text,good\n1,a,yes\n2,b,True\n", r"holds \['yes', 'True'\]; allowed are numbers: 1, 0 and blank"),
        (b"tweet_id,text,good\n1,a,2\n", r"holds \[2.0\]; allowed are 1, 0 and blank"),
    ],
)
def test_bad_text_files_get_a_clear_error(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputDataError, match=message):
        prepare(tmp_path, {"path": path})


def test_labels_in_text_files_may_be_floats_or_blank(tmp_path):
    given = lines()
    for row, value in enumerate(["1.0", "0.0", "", "nan", " NaN ", " 1 "]):
        given[row][2] = value
    splits = prepare(tmp_path, {"path": delimited(tmp_path / "a.csv", HEADER, given)})
    assert splits.left_out == {"blank good": 3}
    rows = all_rows(splits)
    assert [rows.targets[rows.ids.index(ids(6)[row]), 0] for row in (0, 1, 5)] == [1, 0, 1]


def test_a_text_in_latin_1_is_left_out_and_counted(tmp_path):
    path = delimited(tmp_path / "a.csv", HEADER, lines())
    path.write_bytes(path.read_bytes().replace(b"text 7,", b"caf\xe9,"))
    assert prepare(tmp_path, {"path": path}).left_out == {"text not UTF-8": 1}


@pytest.mark.parametrize("odd", ["007", str(2**63), "+5", "1_0", "٣"])
def test_ids_in_text_files_are_integers_only_when_all_of_them_come_back_the_same(tmp_path, odd):
    plain = prepare(tmp_path, {"path": delimited(tmp_path / "a.csv", HEADER, lines())})
    assert sorted(all_rows(plain).ids) == ids(40)
    given = lines()
    given[0][0] = odd
    splits = prepare(tmp_path, {"path": delimited(tmp_path / "b.csv", HEADER, given)})
    assert sorted(all_rows(splits).ids) == sorted([odd, *map(str, ids(40)[1:])])


def test_float_notation_of_the_source_study_is_refused_and_counted(tmp_path):
    given = lines()
    for row in range(3):
        given[row][0] = f"2.7183248931043{row}e+17"
    with pytest.raises(InputDataError, match=r"3 of 40 ids in column 'tweet_id' .*; of these, 3 of 3 ids are beyond"):
        prepare(tmp_path, {"path": delimited(tmp_path / "a.csv", HEADER, given)})


def test_other_suffixes_and_torn_files_are_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"x")
    with pytest.raises(InputDataError, match=r"has '.xlsx'; allowed are .parquet, .pq, .csv, .tsv, .txt"):
        prepare(tmp_path, {"path": path})
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(InputDataError, match="is not a whole Parquet file"):
        prepare(tmp_path, {"path": tmp_path / "torn.parquet"})
    (tmp_path / "torn.csv.gz").write_bytes(gzip.compress(b"tweet_id,text,good\n" * 500)[:-12])
    with pytest.raises(InputDataError, match="cannot be read"):
        prepare(tmp_path, {"path": tmp_path / "torn.csv.gz"})
    with pytest.raises(ValueError, match="must be an ASCII character"):
        prepare(tmp_path, {"path": delimited(tmp_path / "a.csv", HEADER, lines()), "delimiter": "§"})


def test_one_column_for_two_purposes_is_refused_but_where_may_share(tmp_path):
    path = delimited(tmp_path / "a.csv", (*HEADER, "split"), [[*line, "train"] for line in lines()])
    with pytest.raises(InputDataError, match=r"one column of .* for two purposes"):
        prepare(tmp_path, {"path": path, "id_column": "text"})
    assert prepare(tmp_path, {"path": path, "split_column": "split", "where": {"split": "train"}}).left_out == {}


@pytest.mark.parametrize("type_", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_every_kind_of_string_column_is_read(tmp_path, type_):
    path = parquet(
        tmp_path / "a.parquet",
        tweet_id=pa.array(map(str, ids(40))).cast(type_),
        text=pa.array(texts(40)).cast(type_),
        good=pa.array(["1", "0"] * 20).cast(type_),
    )
    assert by_id(prepare(tmp_path, {"path": path})) == dict(zip(map(str, ids(40)), texts(40), strict=True))


@pytest.mark.parametrize("suffix", ["tsv", "txt"])
@pytest.mark.parametrize("header", ['"tweet_id"\t"text"\t"good"', "tweet_id\ttext\tgood"])
def test_fields_that_all_stand_in_quotes_are_noticed_where_quotes_mean_nothing(tmp_path, suffix, header):
    path = tmp_path / f"a.{suffix}"
    rows = "".join(f'{number}\t"text {number}"\t{number % 2}\n' for number in range(100, 160))
    path.write_text(f"{header}\n{rows}")
    with pytest.raises(
        InputDataError, match=r"stands in double quotes, such as \"t.* Set labelled_data.quoting to true"
    ):
        prepare(tmp_path, {"path": path})
    assert all_rows(prepare(tmp_path, {"path": path, "quoting": True})).texts[0].startswith("text")
    if '"' not in header:
        assert all_rows(prepare(tmp_path, {"path": path, "quoting": False})).texts[0].startswith('"text')
    path.write_text("tweet_id\ttext\tgood\n" + rows.replace('"text 110"', "text 110"))
    assert '"text' in all_rows(prepare(tmp_path, {"path": path})).texts[0]

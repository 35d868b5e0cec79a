"""Files of answers are read as they come, and refused with the remedy where ids were lost."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.exchange.incoming.answer_file import read_answer_file
from tasks.core.exchange.safe_cells import id_among
from tests.support.answers import HEADER, IDS, answers, said_by
from tests.support.batches import FIRST_ID


def refused(path):
    with pytest.raises(InputDataError) as error:
        read_answer_file(path)
    return str(error.value)


def test_a_csv_is_read_with_any_delimiter_and_order(tmp_path):
    plain = read_answer_file(answers(tmp_path / "a.csv", said_by("Ana ", ["yes", "", "no"])))
    spanish = read_answer_file(answers(tmp_path / "b.csv", said_by("ANA", ["yes", "", "no"]), delimiter=";"))
    assert plain.rows == spanish.rows
    assert [(row.tweet_id, row.annotator, row.word) for row in plain.rows][:2] == [
        (IDS[0], "ana", "yes"),
        (IDS[1], "ana", ""),
    ]
    assert plain.digest != spanish.digest


def test_a_very_long_text_hinders_no_answer(tmp_path):
    header = (*HEADER, "text")
    path = answers(tmp_path / "a.csv", [(0, "positive", "ana", "yes", "x" * 200_000)], header)
    limit = csv.field_size_limit()
    (row,) = read_answer_file(path).rows
    assert (row.word, len(row.text), csv.field_size_limit()) == ("yes", 200_000, limit)


def test_exported_ids_and_a_byte_order_mark_are_understood(tmp_path):
    path = answers(tmp_path / "a.csv", [(f"id_{IDS[0]}", "positive", "ana", "sí")])
    path.write_bytes("\N{BOM}".encode() + path.read_bytes() + b",,,\r\n")
    (row,) = read_answer_file(path).rows
    assert (id_among(row.tweet_id, IDS), row.word) == (IDS[0], "sí")


def test_an_id_that_has_the_prefix_itself_is_known_with_and_without_another():
    assert id_among("id_7", {"id_7", "8"}) == id_among("id_id_7", {"id_7", "8"}) == "id_7"
    assert id_among("id_8", {"id_7", "8"}) == "8"


@pytest.mark.parametrize("type_", [pa.int64(), pa.uint64(), pa.string()])
def test_parquet_may_have_ids_of_any_exact_type(tmp_path, type_):
    columns = {"tweet_id": pa.array(IDS).cast(type_), "label": ["positive"] * 6, "annotator": ["ana"] * 6}
    pq.write_table(pa.table({**columns, "answer": [True, False] * 3}), tmp_path / "a.parquet")
    rows = read_answer_file(tmp_path / "a.parquet").rows
    assert [row.tweet_id for row in rows] == IDS
    assert [row.word for row in rows] == [True, False] * 3


@pytest.mark.parametrize("id_", ["1.27E+18", "1,27E+18", "1.27e18", "1270000000000000001.0"])
def test_ids_that_a_spreadsheet_rounded_are_refused_with_the_remedy(tmp_path, id_):
    said = refused(answers(tmp_path / "a.csv", [(id_, "positive", "ana", "yes")], delimiter=";"))
    assert "written as floats" in said
    assert "Label the file as it was exported, whose ids begin with 'id_'" in said


def test_float_ids_of_parquet_and_json_are_refused_with_the_remedy(tmp_path):
    columns = {"tweet_id": [float(FIRST_ID)], "label": ["positive"], "annotator": ["ana"], "answer": ["yes"]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert "type double" in refused(tmp_path / "a.parquet")
    assert "whose ids begin with 'id_'" in refused(tmp_path / "a.parquet")
    (tmp_path / "a.json").write_text(json.dumps([task(tweet_id=float(FIRST_ID))]))
    assert "written as floats" in refused(tmp_path / "a.json")


def task(annotations=None, **data):
    result = [{"from_name": "positive", "type": "choices", "value": {"choices": ["yes"]}}]
    data = {"tweet_id": IDS[0], "text": "text", "labels": ["positive", "negative"], "batch": "sampling-1"} | data
    return {"data": data, "annotations": annotations or [{"completed_by": {"email": "Ana@x.org"}, "result": result}]}


def test_label_studios_json_gives_a_row_a_label_and_annotator(tmp_path):
    result = [{"from_name": "negative", "type": "choices", "value": {"choices": ["unsure"]}}]
    tasks = [task(), task([{"completed_by": 7, "result": result}]), task([{"completed_by": 8, "was_cancelled": True}])]
    (tmp_path / "a.json").write_text(json.dumps([*tasks, {"data": task()["data"]}]))
    rows = read_answer_file(tmp_path / "a.json").rows
    assert [(row.label, row.annotator, row.word) for row in rows] == [
        *(("negative", "ana@x.org", None), ("positive", "ana@x.org", "yes")),
        *(("negative", "7", "unsure"), ("positive", "7", None)),
        *(("negative", "8", None), ("positive", "8", None)),
    ]


@pytest.mark.parametrize(
    "content", ["{", "{}", "[1]", '[{"tweet_id": 1}]', '[{"data": {"tweet_id": "1"}}]', "[" * 100_000]
)
def test_json_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    assert "Export the project again in the format JSON" in refused(tmp_path / "a.json")


def test_what_is_no_file_of_answers_is_refused_by_name(tmp_path):
    assert "allowed are ('.csv'" in refused(tmp_path / "a.xlsx")
    assert "a.csv" in refused(tmp_path / "a.csv")
    assert "lacks the columns ['answer']" in refused(answers(tmp_path / "b.csv", [], HEADER[:3]))
    assert "has no row" in refused(answers(tmp_path / "c.csv", []))
    assert "several columns called ['label']" in refused(answers(tmp_path / "d.csv", [], (*HEADER, "Label")))
    (tmp_path / "e.csv").write_bytes("tweet_id,label,annotator,answer\n1,positive,ana,sí\n".encode("latin-1"))
    assert "Save it as 'CSV UTF-8'" in refused(tmp_path / "e.csv")
    (tmp_path / "f.csv").write_text("tweet_id,label,annotator,answer\n1,positive,ana\n")
    assert "row 2 of" in refused(tmp_path / "f.csv")
    (tmp_path / "g.csv").write_text('tweet_id,label,annotator,answer\n1,positive,ana,"yes\n')
    assert "cannot be read as CSV" in refused(tmp_path / "g.csv")
    (tmp_path / "h.csv").write_text("")
    assert "cannot be read as CSV" in refused(tmp_path / "h.csv")
    (tmp_path / "i.parquet").write_text("no Parquet")
    assert "i.parquet" in refused(tmp_path / "i.parquet")

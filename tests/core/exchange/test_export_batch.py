"""A batch goes out as CSV, Parquet and Label Studio's JSON, and comes back from each."""

import csv
import json
import re
import xml.etree.ElementTree as ET

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.core.base.errors import InputDataError
from tasks.core.exchange.answers import Said
from tasks.core.exchange.batch import write_batch
from tasks.core.exchange.export_batch import DRAWN, ExportWay, export_batch
from tasks.core.exchange.incoming.answer_file import read_answer_file
from tasks.core.exchange.incoming.import_answers import ImportWay
from tasks.core.exchange.questions import questions_of, shuffled
from tasks.core.exchange.safe_cells import id_among
from tasks.core.exchange.settle import Settled, import_and_settle, settle
from tests.support.answers import IDS, fill_in, import_rows, open_batch, said_by
from tests.support.batches import TEXTS, about, draws_of, texts_of
from tests.support.labelled_files import delimited

BOTH = ("positive", "negative")


def is_id(word):
    """Say whether a word may be an id: white space around it is none of it, and floats are refused."""
    return word.strip() == word and not re.match(r"[+-]?[\d,.]+([eE]|\.)", word) and not word.startswith("id_")


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def export(settled, path, instructions=None, **way):
    return export_batch(settled, path, ExportWay(**way), instructions or {})


def test_a_csv_has_a_row_a_question_with_scores_beside(tmp_path):
    _, _, settled = open_batch(tmp_path, BOTH)
    assert export(settled, tmp_path / "out.csv") == 12
    rows = rows_of(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().startswith("\N{BOM}".encode())
    assert [(row["tweet_id"], row["label"]) for row in rows[:2]] == [(f"id_{IDS[0]}", label) for label in BOTH]
    assert {row["batch"] for row in rows} == {settled.batch.folder.name}
    assert [float(row["score"]) for row in rows] == settled.batch.draws["score"].to_pylist()
    assert [row["text"] for row in rows[::2]] == [*TEXTS[:4], f"'{TEXTS[4]}", TEXTS[5]]


def test_nothing_in_a_csv_is_run_or_rounded_by_a_spreadsheet(tmp_path):
    _, _, settled = open_batch(tmp_path)
    export(settled, tmp_path / "out.csv")
    for row in rows_of(tmp_path / "out.csv"):
        assert not row["tweet_id"][0].isdigit()
        assert not any(
            row[column].startswith(("=", "+", "-", "@")) for column in ("tweet_id", "text", "author", "reason")
        )


def test_blind_exports_show_no_score(tmp_path):
    _, _, settled = open_batch(tmp_path)
    for name in ("out.csv", "out.parquet", "out.json"):
        export(settled, tmp_path / name, blind=True)
    assert not set(DRAWN) & set(rows_of(tmp_path / "out.csv")[0])
    assert not set(DRAWN) & set(pq.read_table(tmp_path / "out.parquet").column_names)
    assert "score" not in (tmp_path / "out.json").read_text()


def test_a_text_that_was_drawn_several_times_has_its_joint_probability(tmp_path):
    folder = tmp_path / "sampling-0123456789ab"
    draws = draws_of(3, tweet_id=[IDS[0], IDS[0], IDS[1]], inclusion_probability=[0.5, 0.25, 0.1])
    batch = write_batch(folder, draws, texts_of(2), about())
    first, second = questions_of(batch)
    assert first.drawn["inclusion_probability"] == 1 - 0.5 * 0.75
    assert (first.drawn["method"], first.drawn["reason"]) == ("exploit + random", "rank 1; rank 2")
    assert second.drawn["inclusion_probability"] == 0.1


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.json"])
def test_what_was_answered_goes_out_and_comes_back_unchanged(tmp_path, name):
    _, round_, settled = open_batch(tmp_path, BOTH)
    rows = [*said_by("ana", ["yes", "no", "unsure"]), *said_by("ben@x.org", ["no"], "negative")]
    _, settled = import_rows(settled, round_, tmp_path, rows)
    export(settled, tmp_path / name)
    given = {
        (id_among(row.tweet_id, IDS), row.label, row.annotator, row.word)
        for row in read_answer_file(tmp_path / name).rows
        if row.word and row.annotator
    }
    assert given == {(IDS[place], label, annotator, word) for place, label, annotator, word in rows}
    record, after = import_and_settle(settled, round_, tmp_path / name, ImportWay())
    assert (record.new, record.repeated, record.left_out) == (0, record.repeated, {})
    assert {key: said for key, said in after.answers.items() if said.answer != "blank"} == {
        key: said for key, said in settled.answers.items() if said.answer != "blank"
    }


def test_each_annotator_named_gets_rows(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    export(settled, tmp_path / "out.csv", annotators=("Ana", "ben"))
    assert [row["annotator"] for row in rows_of(tmp_path / "out.csv")] == ["ana"] * 6 + ["ben"] * 6
    filled = fill_in(tmp_path / "out.csv", lambda row: "sí" if row["annotator"] == "ana" else "não")
    _, settled = import_and_settle(settled, round_, filled, ImportWay())
    assert settled.decided["how"].to_pylist() == ["tied"] * 6


def test_only_what_is_disagreed_on_goes_out_for_adjudication(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    rows = [*said_by("ana", ["yes", "yes", "unsure"]), *said_by("ben", ["yes", "no"])]
    _, settled = import_rows(settled, round_, tmp_path, rows)
    assert export(settled, tmp_path / "out.csv", only_undecided=True) == 1
    assert [(row["tweet_id"], row["annotator"], row["answer"]) for row in rows_of(tmp_path / "out.csv")] == [
        (f"id_{IDS[1]}", "", "")
    ]
    export(settled, tmp_path / "out.json", only_undecided=True)
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))[0]["annotations"] == []
    filled = fill_in(tmp_path / "out.csv", lambda _: "no")
    record, settled = import_and_settle(settled, round_, filled, ImportWay(adjudicated=True))
    assert (record.new, record.left_out) == (1, {})
    assert settled.decided["how"].to_pylist()[1] == "adjudicated"


def test_label_studio_gets_an_interface_and_keeps_scores_in_the_data(tmp_path):
    _, _, settled = open_batch(tmp_path, BOTH)
    export(settled, tmp_path / "out.json", {"positive": 'Is it "good" & well?'})
    tasks = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [task["data"]["text"] for task in tasks] == list(TEXTS)
    assert tasks[0]["data"]["draws"]["negative"]["score"] == settled.batch.draws["score"][1].as_py()
    view = ET.fromstring((tmp_path / "out.config.xml").read_text(encoding="utf-8"))  # noqa: S314 - our own
    assert [choices.get("name") for choices in view.iter("Choices")] == list(BOTH)
    assert view.find("Header").get("value") == 'positive: Is it "good" & well?'
    assert {choice.get("value") for choice in view.iter("Choice")} == {"yes", "no", "unsure"}


def test_controls_are_mixed_in_and_look_like_the_rest_of_a_blind_export(tmp_path):
    rows = [(f"c{place}", f"control {place}", "positive", "yes") for place in range(6)]
    path = delimited(tmp_path / "controls.csv", ["tweet_id", "text", "label", "answer"], rows)
    _, round_, settled = open_batch(tmp_path, controls=str(path))
    assert export(settled, tmp_path / "out.csv", blind=True) == 12
    places = [row["tweet_id"].startswith("id_c") for row in rows_of(tmp_path / "out.csv")]
    assert sum(places) == 6
    assert places != sorted(places)
    export(settle(settled.batch, round_), tmp_path / "again.csv", blind=True)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


def test_an_order_keeps_a_texts_labels_together_and_differs_by_key(tmp_path):
    _, _, settled = open_batch(tmp_path, BOTH)
    questions = questions_of(settled.batch)
    first, second = shuffled(questions, "ana"), shuffled(questions, "ben")
    assert first != second
    assert sorted(first, key=questions.index) == questions
    assert [one.tweet_id for one in first[::2]] == [one.tweet_id for one in first[1::2]]


def test_no_file_is_written_over_and_other_kinds_are_refused(tmp_path):
    _, _, settled = open_batch(tmp_path)
    export(settled, tmp_path / "out.csv")
    for name, said in (("out.csv", "is there already"), ("out.xlsx", "allowed|kind of its suffix")):
        with pytest.raises(InputDataError, match=said):
            export(settled, tmp_path / name)


three = {"min_size": 3, "max_size": 3}
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.json"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    texts=st.lists(words, min_size=3, max_size=3),
    made=st.lists(words.filter(is_id), min_size=3, max_size=3, unique=True),
)
def test_any_text_and_id_goes_out_and_comes_back(tmp_path_factory, name, texts, made):
    folder = tmp_path_factory.mktemp("any")
    batch = write_batch(
        folder / "sampling-0123456789ab",
        draws_of(3, tweet_id=made),
        texts_of(3, tweet_id=made, text=texts),
        about(),
    )
    answers = {("ana", (id_, "positive")): Said("yes", "") for id_ in made}
    export_batch(Settled(batch, answers, [], {}, None), folder / name, ExportWay(), {})
    rows = read_answer_file(folder / name).rows
    assert [(id_among(row.tweet_id, made), row.annotator, row.word) for row in rows] == [
        (id_, "ana", "yes") for id_ in made
    ]
    given_back = [row.text.removeprefix("'") if name == "out.csv" else row.text for row in rows]
    assert given_back == [text.removeprefix("'") if name == "out.csv" else text for text in texts]

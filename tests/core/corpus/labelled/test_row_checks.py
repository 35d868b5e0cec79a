"""Rows that are left out, counted by reason: blanks, repeats, contradictions, labels that are not in the round."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.rows import Ledger
from tests.support.labelled_files import (
    all_rows,
    ids,
    parquet,
    prepare,
    read_report,
    request,
    splits_column,
    texts,
)

ROWS = 40


def columns(**changes):
    given = {"tweet_id": ids(ROWS), "text": texts(ROWS), "good": [1, 0] * 20, "split": splits_column()}
    for name, places in changes.items():
        given.setdefault(name, [0, 1] * 20)
        for place, value in places.items():
            given[name][place] = value
    return given


def prepare_columns(tmp_path, given, asked=None, **settings):
    path = parquet(tmp_path / "a.parquet", **given)
    return prepare(tmp_path, {"path": path, "split_column": "split"} | settings, asked)


def test_blanks_are_counted_by_reason(tmp_path):
    given = columns(tweet_id={0: None}, text={1: None, 2: "", 3: " \n "}, split={4: None}, good={5: None, 6: None})
    splits = prepare_columns(tmp_path, given)
    assert splits.left_out == {"blank id": 1, "blank text": 3, "blank split": 1, "blank good": 2}
    assert splits.rows == {"train": 13, "validation": 10, "test": 10}
    assert read_report(splits)["blanks"] == {"good": 2}


def test_a_row_with_two_faults_is_counted_once(tmp_path):
    splits = prepare_columns(tmp_path, columns(tweet_id={0: None}, text={0: None}, split={0: None}, good={0: None}))
    assert splits.left_out == {"blank id": 1}


def test_blank_string_ids_are_left_out(tmp_path):
    given = columns()
    given["tweet_id"] = ["", "  ", "nan", " NaN ", *(f"a{number}" for number in range(ROWS - 4))]
    assert prepare_columns(tmp_path, given).left_out == {"blank id": 4}


def test_float_labels_may_be_blank_as_nan(tmp_path):
    given = columns()
    given["good"] = pa.array([np.nan, 0.0, *([1.0, 0.0] * 19)], from_pandas=False)
    assert prepare_columns(tmp_path, given).left_out == {"blank good": 1}


def test_a_text_that_is_not_utf8_is_left_out_alone(tmp_path):
    given = columns()
    given["text"] = pa.array([b"\xff\xfe", *(text.encode() for text in texts(ROWS - 1))]).view(pa.string())
    splits = prepare_columns(tmp_path, given)
    assert splits.left_out == {"text not UTF-8": 1}
    assert set(all_rows(splits).texts) == set(texts(ROWS - 1))


def test_a_multi_label_row_is_left_out_only_when_every_label_is_blank(tmp_path):
    given = columns(good={0: None, 1: None}, bad={0: None, 2: None})
    splits = prepare_columns(tmp_path, given, request(("good", "bad"), "multi_label"))
    assert splits.left_out == {"every label blank": 1}
    assert read_report(splits)["blanks"] == {"good": 2, "bad": 2}
    rows = all_rows(splits)
    assert np.isnan(rows.targets).sum(axis=0).tolist() == [1, 1]
    assert np.isnan(rows.targets[rows.ids.index(ids(3)[2])]).tolist() == [False, True]


def test_one_blank_label_among_several_is_refused_by_name(tmp_path):
    given = columns() | {"bad": pa.array([None] * ROWS, pa.float64())}
    with pytest.raises(InputDataError, match=r"label 'bad' .* is blank in all 40 rows"):
        prepare_columns(tmp_path, given, request(("good", "bad"), "multi_label"))


def test_a_repeated_row_is_kept_once(tmp_path):
    splits = prepare_columns(tmp_path, columns(tweet_id={2: ids(1)[0], 4: ids(1)[0]}, text={2: "text 0", 4: "text 0"}))
    assert splits.left_out == {"repeated row": 2}
    assert all_rows(splits).ids.count(ids(1)[0]) == 1


@pytest.mark.parametrize(("text", "good"), [("text 0", 0), ("another", 1)])
def test_an_id_with_conflicting_rows_is_left_out_and_listed(tmp_path, text, good):
    given = columns(tweet_id={2: ids(1)[0]}, text={2: text}, good={2: good})
    splits = prepare_columns(tmp_path, given)
    assert splits.left_out == {"id with conflicting rows": 2}
    assert ids(1)[0] not in all_rows(splits).ids
    rows = [{"text": "text 0", "labels": {"good": 1.0}}, {"text": text, "labels": {"good": float(good)}}]
    assert read_report(splits)["conflicts"] == [{"id": ids(1)[0], "split": "train", "rows": rows}]


def test_multi_label_rows_of_an_id_are_merged_where_blanks_allow_it(tmp_path):
    same = {"tweet_id": {2: ids(1)[0], 4: ids(1)[0]}, "text": {2: "text 0", 4: "text 0"}}
    given = columns(**same, good={0: 1, 2: None, 4: None}, bad={0: None, 2: 1, 4: None})
    splits = prepare_columns(tmp_path, given, request(("good", "bad"), "multi_label"))
    assert splits.left_out == {"repeated row": 2}
    rows = all_rows(splits)
    assert rows.targets[rows.ids.index(ids(1)[0])].tolist() == [1, 1]


def test_multi_label_rows_of_an_id_that_contradict_each_other_stay_conflicts(tmp_path):
    given = columns(tweet_id={2: ids(1)[0]}, text={2: "text 0"}, good={2: None}, bad={0: 0, 2: 1})
    splits = prepare_columns(tmp_path, given, request(("good", "bad"), "multi_label"))
    assert splits.left_out == {"id with conflicting rows": 2}
    assert [row["labels"]["good"] for row in read_report(splits)["conflicts"][0]["rows"]] == [1.0, None]


def test_long_texts_are_cut_in_the_report(tmp_path):
    given = columns(tweet_id={2: ids(1)[0]}, text={2: "x" * 500})
    assert read_report(prepare_columns(tmp_path, given))["conflicts"][0]["rows"][1]["text"] == "x" * 80


def test_duplicate_texts_are_kept_and_counted(tmp_path):
    splits = prepare_columns(tmp_path, columns(text={1: "text 0", 2: "text 0", 4: "text 6", 5: "a\nb"}))
    report = read_report(splits)
    assert splits.left_out == {}
    assert (report["duplicate_texts"], report["duplicate_texts_with_other_labels"]) == (2, 1)
    assert report["texts_with_line_breaks"] == 1


def test_classes_outside_the_round_and_blank_ones_are_left_out(tmp_path):
    given = columns() | {"class": ["a", "b", "a", "b", None, "c", "", "nan"] * 5}
    asked = request({"first": "a", "second": "b"}, "multi_class")
    splits = prepare_columns(tmp_path, given, asked, label_column="class")
    assert splits.left_out == {"blank class": 15, "another class": 5}
    assert (all_rows(splits).targets.sum(axis=1) == 1).all()


def test_several_classes_in_one_row_are_refused(tmp_path):
    given = columns() | {"class": [["a"], ["b"], ["a", "b"], ["b"]] * 10}
    asked = request({"first": "a", "second": "b"}, "multi_class")
    with pytest.raises(InputDataError, match=f"10 rows of .* several classes, such as the id {ids(3)[2]}.*multi_label"):
        prepare_columns(tmp_path, given, asked, label_column="class")


def test_shares_of_a_multi_class_row_must_sum_to_one(tmp_path):
    given = columns() | {"class": [[0.7, 0.2, 0.1], [0.2, 0.7995, 0.0], [0.0, 0.0, 1.0], None] * 10}
    settings = {"label_column": "class", "label_names": ("a", "b", "c"), "targets": "soft"}
    asked = request(("a", "b", "c"), "multi_class")
    splits = prepare_columns(tmp_path, given, asked, **settings)
    assert splits.left_out == {"blank class": 10}
    given["class"][1] = [0.2, 0.79, 0.0]
    with pytest.raises(
        InputDataError, match=f"shares of 1 rows of .* the id {ids(2)[1]}, which sum to 0.99.* keep all"
    ):
        prepare_columns(tmp_path, given, asked, **settings)
    with pytest.raises(InputDataError, match="shares of 21 rows of"):
        prepare_columns(tmp_path, given, request(("a", "b"), "multi_class"), **settings)
    assert prepare_columns(tmp_path, given, request(("a", "b"), "multi_label"), **settings).left_out


def test_every_class_needs_positives_in_every_split(tmp_path):
    given = columns() | {"class": ["a", "b"] * 15 + ["a"] * 10}
    asked = request({"first": "a", "second": "b"}, "multi_class")
    with pytest.raises(InputDataError, match=r"test split of label 'first' .* has 10 positives and 0 negatives"):
        prepare_columns(tmp_path, given, asked, label_column="class")


def test_a_ledger_that_does_not_balance_raises():
    ledger = Ledger()
    ledger.read = 10
    ledger.count("blank id", 3)
    ledger.check_balance(7)
    with pytest.raises(InputDataError, match=r"10 labelled rows were read, but 9 are accounted for: 6 used"):
        ledger.check_balance(6)

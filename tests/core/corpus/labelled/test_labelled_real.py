"""Real sets: kept apart where their own splits hold, refused with a listing where texts stand in two of them."""

import json

import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.prepare import read_split
from tests.support.labelled_files import all_rows, prepare, read_report, real_data, request

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
VOTES = ("homophobia", "obscene", "insult", "racism", "misogyny", "xenophobia")


def settings(name, **more):
    return {"path": real_data(name), "id_column": "id", "label_column": "label"} | more


def leaked_texts(path, **where):
    """Count the texts in two splits without the code under test."""
    splits: dict[str, set[str]] = {}
    for row in pq.read_table(path).to_pylist():
        if all(row[column] == value for column, value in where.items()):
            splits.setdefault(" ".join(row["text"].split()), set()).add(row["split"])
    return sum(len(found) > 1 for found in splits.values())


def check_refused(tmp_path, given, asked):
    with pytest.raises(InputDataError, match="stand in more than one split") as refused:
        prepare(tmp_path, given, asked)
    path = tmp_path / "splits" / f"{asked.study}-refused.report.json"
    listed = json.loads(path.read_text(encoding="utf-8"))["leaked_texts"]
    expected = leaked_texts(given["path"], **given.get("where", {}))
    assert len(listed) == expected > 0
    assert str(refused.value).startswith(f"{expected} texts of ")
    assert str(path) in str(refused.value)


def test_brighter_in_english_draws_the_test_split_it_has_not(tmp_path):
    given = settings("brighter_emotions_multilabel.parquet", label_names=EMOTIONS, where={"lang": "en"})
    given |= {"split_column": "split"}
    labels = tuple(label for label in EMOTIONS if label != "disgust")
    splits = prepare(tmp_path, given, request(labels, "multi_label"))
    assert splits.left_out == {"other rows (labelled_data.where)": 3875 + 4652}
    assert sum(splits.rows.values()) == 2879
    assert splits.rows["validation"] == 115
    assert read_report(splits)["drawn_splits"] == ["test"]
    with pytest.raises(InputDataError, match=r"label 'disgust' .* has 0 positives"):
        prepare(tmp_path, given, request(EMOTIONS, "multi_label"))


def test_brighter_in_spanish_has_a_text_in_two_splits(tmp_path):
    given = settings("brighter_emotions_multilabel.parquet", label_names=EMOTIONS, where={"lang": "es"})
    check_refused(tmp_path, given | {"split_column": "split"}, request(EMOTIONS, "multi_label"))
    assert sum(prepare(tmp_path, given, request(EMOTIONS, "multi_label")).rows.values()) == 3875


@pytest.mark.slow
def test_soft_labels_of_davidson(tmp_path):
    names = ("hate_speech", "offensive_language", "neither")
    given = settings("davidson_soft.parquet", label_names=names, targets="soft")
    asked = request({"hate": "hate_speech", "offensive": "offensive_language"}, "multi_label")
    check_refused(tmp_path, given | {"split_column": "split"}, asked)
    splits = prepare(tmp_path, given, asked)
    assert sum(splits.rows.values()) == 24_783
    assert 0 < (all_rows(splits).targets % 1 > 0).mean() < 1
    with pytest.raises(InputDataError, match=r"labelled_data.targets to soft"):
        prepare(tmp_path, given | {"targets": "hard"}, asked)


@pytest.mark.slow
def test_votes_of_told_br(tmp_path):
    given = settings("told_br_votes.parquet", label_names=VOTES, targets="soft", votes=3)
    check_refused(tmp_path, given | {"split_column": "split"}, request(VOTES, "multi_label"))
    splits = prepare(tmp_path, given, request(VOTES, "multi_label"))
    votes = [row["label"] for row in pq.read_table(given["path"], columns=["label"]).to_pylist()]
    assert {label: sum(found.values()) for label, found in splits.positives.items()} == {
        label: sum(row[place] >= 2 for row in votes) for place, label in enumerate(VOTES)
    }
    assert min(splits.positives["xenophobia"].values()) >= 1


@pytest.mark.parametrize("lang", ["en", "es", "pt"])
def test_classes_of_umsab(tmp_path, lang):
    names = ("negative", "neutral", "positive")
    given = settings("umsab_sentiment_8lang.parquet", label_names=names, where={"lang": lang}, split_column="split")
    splits = prepare(tmp_path, given, request(names, "multi_class"))
    assert splits.rows == {"train": 1839, "validation": 324, "test": 870}
    assert splits.positives["negative"]["test"] == 290
    assert (read_split(splits.path, names, "train").targets.sum(axis=1) == 1).all()


@pytest.mark.slow
def test_tweeteval_hate_leaks_and_can_be_drawn_anew(tmp_path):
    given = settings("tweeteval_hate.parquet", label_names=("not-hate", "hate"))
    check_refused(tmp_path, given | {"split_column": "split"}, request({"hate": "hate"}))
    splits = prepare(tmp_path, given, request({"hate": "hate"}))
    assert sum(splits.rows.values()) == 12_962
    assert read_report(splits)["duplicate_texts"] > 0

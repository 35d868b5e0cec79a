"""Snapshots of labels join the train rows; what was held out stays held out, and contradictions go."""

from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.formats import write_record
from tasks.core.base.naming.file_names import SNAPSHOT_FILE, SNAPSHOT_LABELS_FILE
from tasks.core.corpus.labelled.added_rows import HELD_OUT, OTHER_LABELS
from tasks.core.corpus.labelled.label_snapshot import SNAPSHOT, LabelSnapshot
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.corpus.labelled.row_checks import CONFLICT, REPEATED
from tests.support.labelled_files import all_rows, ids, parquet, prepare, read_report, request, splits_column, texts

NEW = 900_000_000_000_000_001


def snapshot(folder, tweet_id, text, **labels):
    """Write a snapshot of labels, each a list of 1, 0 and None."""
    folder.mkdir()
    targets = {f"target_{label}": pa.array(values, pa.int8()) for label, values in labels.items()}
    pq.write_table(pa.table({"tweet_id": tweet_id, "text": text, **targets}), folder / SNAPSHOT_LABELS_FILE)
    about = LabelSnapshot("us-iter0", 1, "d", sha256_of_file(folder / SNAPSHOT_LABELS_FILE), {}, {}, {})
    write_record(folder / SNAPSHOT_FILE, SNAPSHOT, asdict(about))
    return folder


def settings(tmp_path, *added, **columns):
    base = {"tweet_id": ids(40), "text": texts(40), "good": [1, 0] * 20, "split": splits_column()} | columns
    return {"path": parquet(tmp_path / "base.parquet", **base), "split_column": "split", "added": added}


def test_added_rows_are_train_rows(tmp_path):
    added = snapshot(tmp_path / "v1", [NEW, NEW + 1], ["new a", "new b"], good=[1, 0])
    splits = prepare(tmp_path, settings(tmp_path, added))
    train = read_split(splits.path, ["good"], "train")
    assert dict(zip(train.ids, train.targets[:, 0], strict=True)) | {NEW: 1.0, NEW + 1: 0.0} == dict(
        zip(train.ids, train.targets[:, 0], strict=True)
    )
    assert (splits.rows, splits.left_out) == ({"train": 22, "validation": 10, "test": 10}, {})
    assert [source["split"] for source in read_report(splits)["sources"]] == [None, "train"]


def test_two_snapshots_are_both_added_and_none_twice(tmp_path):
    one = snapshot(tmp_path / "v1", [NEW], ["new a"], good=[1])
    two = snapshot(tmp_path / "v2", [NEW + 1], ["new b"], good=[0])
    assert prepare(tmp_path, settings(tmp_path, one, two)).rows["train"] == 22
    with pytest.raises(InputDataError, match="names a snapshot twice"):
        prepare(tmp_path, settings(tmp_path, one, one))


def test_held_out_texts_and_ids_stay_held_out(tmp_path):
    held_out = texts(40)[30]
    rows = [NEW, ids(40)[35], NEW + 1], [f" {held_out} ", "another text", "new"]
    splits = prepare(tmp_path, settings(tmp_path, snapshot(tmp_path / "v1", *rows, good=[1, 1, 1])))
    assert splits.left_out == {HELD_OUT: 2}
    assert splits.rows == {"train": 21, "validation": 10, "test": 10}


def test_rows_that_repeat_the_base_are_one_and_contradictions_go(tmp_path):
    same, other = ids(40)[0], ids(40)[1]
    added = snapshot(tmp_path / "v1", [same, other], [texts(40)[0], texts(40)[1]], good=[1, 1])
    splits = prepare(tmp_path, settings(tmp_path, added))
    assert splits.left_out == {REPEATED: 1, CONFLICT: 2}
    assert read_report(splits)["conflicts"][0]["id"] == other


def test_a_snapshot_may_have_other_labels_and_blanks(tmp_path):
    added = snapshot(tmp_path / "v1", [NEW, NEW + 1], ["new a", "new b"], bad=[1, 0], good=[None, 1])
    assert prepare(tmp_path, settings(tmp_path, added)).left_out == {OTHER_LABELS: 1}
    data = settings(tmp_path, added, other=[0, 1] * 20)
    splits = prepare(tmp_path, data, request(("good", "other"), "multi_label"))
    rows = all_rows(splits)
    assert np.isnan(rows.targets[rows.ids.index(NEW + 1)]).tolist() == [False, True]


def test_drawn_splits_are_drawn_from_both(tmp_path):
    added = snapshot(tmp_path / "v1", list(range(NEW, NEW + 40)), texts(40, "new"), good=[1, 0] * 20)
    data = {key: value for key, value in settings(tmp_path, added).items() if key != "split_column"}
    splits = prepare(tmp_path, data)
    test = read_split(splits.path, ["good"], "test")
    assert sum(splits.rows.values()) == 80
    assert any(id_ >= NEW for id_ in test.ids)
    assert any(id_ < NEW for id_ in test.ids)


def test_ids_of_another_type_are_compared_as_strings(tmp_path):
    added = snapshot(tmp_path / "v1", [str(ids(40)[1]), "z"], [texts(40)[1], "new"], good=[0, 1])
    splits = prepare(tmp_path, settings(tmp_path, added))
    assert splits.left_out == {REPEATED: 1}
    assert "z" in all_rows(splits).ids


def test_of_several_classes_one_yes_says_no_to_the_others(tmp_path):
    added = snapshot(tmp_path / "v1", [NEW, NEW + 1], ["new a", "new b"], good=[1, 0], bad=[None, None])
    classes = ["good", "bad"] * 20
    data = {**settings(tmp_path, added, label=classes), "label_column": "label"}
    splits = prepare(tmp_path, data, request(("good", "bad"), "multi_class"))
    rows = all_rows(splits)
    assert rows.targets[rows.ids.index(NEW)].tolist() == [1, 0]
    assert splits.left_out == {"blank class": 1}

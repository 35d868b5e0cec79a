"""Files a split, and files a label and split: which are found, how they are joined, what is drawn."""

import hashlib

import numpy as np
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.faults import UnreadableFileError
from tasks.core.corpus.labelled.prepare import read_split
from tests.support.labelled_files import (
    all_rows,
    delimited,
    ids,
    parquet,
    prepare,
    read_report,
    request,
    texts,
)
from tests.support.unprivileged import open_folder, unprivileged

SIZES = {"train": 20, "dev": 10, "test": 10}


def demo(folder, suffix=".txt", sizes=None, header=("sentence", "Label"), delimiter="\t"):
    """Write files as document 004 has them: TSV in train.txt, dev.txt and test.txt, with no ids."""
    for split, rows in (sizes or SIZES).items():
        lines = [(f"{split} sentence {row}", row % 2) for row in range(rows)]
        delimited(folder / f"{split}{suffix}", header, lines, delimiter)
    return {"path": folder, "layout": "split_files", "id_column": None, "text_column": "sentence"}


@pytest.mark.parametrize("column", ["label", "Label"])
def test_split_files_are_read_without_ids_and_whatever_the_case_of_the_header(tmp_path, column):
    splits = prepare(tmp_path, demo(tmp_path / "data"), request({"good": column}))
    assert splits.rows == {"train": 20, "validation": 10, "test": 10}
    rows = read_split(splits.path, ["good"], "validation")
    assert rows.ids[:2] == ["dev-1", "dev-2"]
    assert rows.texts[:2] == ["dev sentence 0", "dev sentence 1"]
    assert rows.targets[:, 0].tolist() == [0, 1] * 5


@pytest.mark.parametrize("name", ["validation", "valid", "val", "dev"])
@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_split_files_have_several_names(tmp_path, name, suffix, delimiter):
    settings = demo(tmp_path / "data", suffix, {"train": 20, name: 8, "test": 6}, delimiter=delimiter)
    assert prepare(tmp_path, settings, request({"good": "label"})).rows == {"train": 20, "validation": 8, "test": 6}


def test_an_exact_column_name_wins_over_one_in_another_case(tmp_path):
    folder = tmp_path / "data"
    for split, rows in SIZES.items():
        lines = [(f"{split} {row}", row % 2, 0) for row in range(rows)]
        delimited(folder / f"{split}.txt", ("sentence", "label", "Label"), lines, "\t")
    settings = {"path": folder, "layout": "split_files", "id_column": None, "text_column": "sentence"}
    assert prepare(tmp_path, settings, request({"good": "label"})).positives["good"]["train"] == 10
    with pytest.raises(InputDataError, match=r"several columns called 'LABEL': \['label', 'Label'\]"):
        prepare(tmp_path, settings, request({"good": "LABEL"}))


@pytest.mark.parametrize(
    ("sizes", "drawn", "rows"),
    [
        ({"train": 100, "dev": 30}, ["test"], {"train": 74, "validation": 30, "test": 26}),
        ({"train": 100, "test": 30}, ["validation"], {"train": 84, "validation": 16, "test": 30}),
        ({"train": 100}, ["validation", "test"], {"train": 58, "validation": 16, "test": 26}),
    ],
)
def test_missing_splits_are_drawn_from_train_and_said_so(tmp_path, sizes, drawn, rows):
    settings = demo(tmp_path / "data", sizes=sizes) | {"test_share": 0.26, "validation_share": 0.16}
    splits = prepare(tmp_path, settings, request({"good": "label"}))
    assert splits.rows == rows
    assert read_report(splits)["drawn_splits"] == drawn


def test_the_report_knows_each_file_and_its_hash(tmp_path):
    report = read_report(prepare(tmp_path, demo(tmp_path / "data"), request({"good": "label"})))
    paths = [tmp_path / "data" / f"{split}.txt" for split in SIZES]
    assert [source["path"] for source in report["sources"]] == [str(path) for path in paths]
    assert [source["sha256"] for source in report["sources"]] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    ]


def test_integer_ids_and_string_ids_of_other_files_come_together_as_strings(tmp_path):
    folder = tmp_path / "data"
    for split, rows in SIZES.items():
        lines = [(row if split == "train" else f"{split}{row}", f"{split} {row}", row % 2) for row in range(rows)]
        delimited(folder / f"{split}.csv", ("tweet_id", "text", "good"), lines)
    rows = all_rows(prepare(tmp_path, {"path": folder, "layout": "split_files"}))
    assert rows.ids[:2] + rows.ids[-1:] == ["0", "1", "test9"]


def test_texts_in_two_split_files_are_refused(tmp_path):
    settings = demo(tmp_path / "data")
    path = tmp_path / "data" / "test.txt"
    path.write_text(path.read_text().replace("test sentence 3", "train sentence 4"))
    with pytest.raises(InputDataError, match=r"(?s)1 texts .*\['train', 'test'\]: 'train sentence 4'"):
        prepare(tmp_path, settings, request({"good": "label"}))


def test_folders_that_do_not_fit_are_refused(tmp_path):
    settings = demo(tmp_path / "data", sizes={"dev": 10, "test": 10})
    with pytest.raises(InputDataError, match=r"has no train file .* it holds \['dev.txt', 'test.txt'\]"):
        prepare(tmp_path, settings)
    with pytest.raises(InputDataError, match=r"layout is 'file', which reads a file, but .* is a folder"):
        prepare(tmp_path, settings | {"layout": "file"})
    with pytest.raises(InputDataError, match=r"layout is 'split_files', which reads a folder, but .* is a file"):
        prepare(tmp_path, settings | {"path": tmp_path / "data" / "dev.txt"})
    with pytest.raises(InputDataError, match="no labelled data at"):
        prepare(tmp_path, settings | {"path": tmp_path / "none"})
    demo(tmp_path / "data", ".tsv", sizes={"train": 10, "val": 10})
    with pytest.raises(InputDataError, match=r"two files for the validation split: dev.txt and val.tsv"):
        prepare(tmp_path, settings)


def label_files(folder, label, sizes=None, changes=None, first=0):
    """Write train_<label>.csv and the like with one row an id; `changes` replaces rows of train."""
    for split, rows in (sizes or {"train": 20, "val": 10, "holdout": 10}).items():
        start = first + {"train": 0, "val": 1000, "holdout": 2000}[split]
        lines = [[start + row, f"{split} text, {first + row}", f"{row % 2}.0"] for row in range(rows)]
        for row, line in ((changes or {}) if split == "train" else {}).items():
            lines[row] = line
        delimited(folder / f"{split}_{label}.csv", ("tweet_id", "text", "class"), lines)
    return {"path": folder, "layout": "per_label_files"}


def test_a_binary_study_reads_its_own_label_files(tmp_path):
    settings = label_files(tmp_path / "data", "lost_job")
    label_files(tmp_path / "data", "job", {"train": 6, "val": 4, "holdout": 4})
    splits = prepare(tmp_path, settings, request({"lost_job": "class"}))
    assert splits.rows == {"train": 20, "validation": 10, "test": 10}
    assert read_split(splits.path, ["lost_job"], "test").ids[0] == 2000
    other = prepare(tmp_path, settings, request({"job": "class"}))
    assert other.rows == {"train": 6, "validation": 4, "test": 4}


def test_missing_label_files_are_drawn_or_refused(tmp_path):
    settings = label_files(tmp_path / "data", "job", {"train": 40, "val": 10})
    splits = prepare(tmp_path, settings, request({"job": "class"}))
    assert splits.rows == {"train": 30, "validation": 10, "test": 10}
    assert read_report(splits)["drawn_splits"] == ["test"]
    with pytest.raises(InputDataError, match="has no train_lost_job file"):
        prepare(tmp_path, settings, request({"lost_job": "class"}))


def joined(tmp_path, **changes):
    """Prepare a multi_label study of the labels a and b; b's ids begin ten later than a's."""
    label_files(tmp_path / "data", "a")
    settings = label_files(tmp_path / "data", "b", first=10, **changes)
    return prepare(tmp_path, settings, request({"a": "class", "b": "class"}, "multi_label"))


JOINED = "joined with another label's row of the same id"


def offset_texts(row):
    return f"train text, {row}"


def test_labels_are_joined_on_ids_with_blanks_where_one_is_missing(tmp_path):
    splits = joined(tmp_path)
    assert splits.left_out == {JOINED: 10}
    rows = read_split(splits.path, ["a", "b"], "train")
    assert rows.ids == list(range(30))
    assert np.isnan(rows.targets[:10, 1]).all()
    assert rows.targets[10:20].tolist() == [[row % 2, row % 2] for row in range(10)]
    assert np.isnan(rows.targets[20:, 0]).all()
    assert splits.positives == {
        "a": {"train": 10, "validation": 5, "test": 5},
        "b": {"train": 10, "validation": 5, "test": 5},
    }


def test_repeats_within_a_label_file_and_between_them_are_told_apart(tmp_path):
    splits = joined(tmp_path, changes={2: [10, offset_texts(10), "0"]})
    assert splits.left_out == {JOINED: 9, "repeated row": 1}


@pytest.mark.parametrize("changed", [[10, "another text", "0"], [10, offset_texts(10), "1"]])
def test_a_contradiction_of_a_joined_row_leaves_its_id_out(tmp_path, changed):
    splits = joined(tmp_path, changes={2: changed})
    assert splits.left_out == {JOINED: 9, "id with conflicting rows": 2}
    assert 10 not in all_rows(splits).ids


def test_a_text_in_train_of_one_label_and_test_of_another_is_refused(tmp_path):
    with pytest.raises(InputDataError, match=r"(?s)1 texts.*\['train', 'test'\]: 'holdout text, 3'"):
        joined(tmp_path, changes={2: [5000, "holdout text, 3", "0"]})


def test_labels_in_files_of_their_own_need_ids_to_be_joined(tmp_path):
    settings = label_files(tmp_path / "data", "a") | {"id_column": None}
    with pytest.raises(InputDataError, match=r"joined on their ids, but labelled_data.id_column is null"):
        prepare(tmp_path, settings, request({"a": "class", "b": "class"}, "multi_label"))
    splits = prepare(tmp_path, settings, request({"a": "class"}))
    assert read_split(splits.path, ["a"], "train").ids[0] == "train_a-1"


def test_parquet_files_by_split(tmp_path):
    folder = tmp_path / "data" / "lang=en"
    for split, rows in SIZES.items():
        numbers = ids(rows)
        parquet(folder / f"{split}.parquet", tweet_id=numbers, text=texts(rows, split), good=[0, 1] * (rows // 2))
    settings = {"path": folder, "layout": "split_files"}
    with pytest.raises(InputDataError, match=r"(?s)10 ids of .*\['train', 'validation', 'test'\]: .*if ids restart"):
        prepare(tmp_path, settings)
    splits = prepare(tmp_path, settings | {"id_column": None})
    assert splits.rows == {"train": 20, "validation": 10, "test": 10}


def test_a_folder_or_file_without_permission_is_refused_by_name():
    with open_folder() as folder:
        settings = demo(folder / "data")
        (folder / "data").chmod(0o000)
        with unprivileged(), pytest.raises(UnreadableFileError, match=r"data cannot be read: .*Permission denied"):
            prepare(folder, settings)

"""Write labelled files as people have them, and read back what was made of them."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.corpus.labelled.prepare import LabelledSplits, Rows, StudyRequest, prepare_splits, read_split
from tasks.core.corpus.labelled.splits import SPLITS
from tasks.core.round.sections import LabelledData

FIRST_ID = 10**17 + 1


def ids(rows):
    """Return so many ids."""
    return list(range(FIRST_ID, FIRST_ID + rows))


def texts(rows, prefix="text"):
    """Return so many texts, all distinct."""
    return [f"{prefix} {number}" for number in range(rows)]


def parquet(path: Path, **columns) -> Path:
    """Write columns as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def delimited(path: Path, header, rows, delimiter=",") -> Path:
    """Write text with Python's csv module, which quotes what needs it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def splits_column(train=20, validation=10, test=10):
    """Return a column that names each row's split."""
    return ["train"] * train + ["validation"] * validation + ["test"] * test


def request(labels=("good",), head="binary", metric="average_precision", preprocessing="none") -> StudyRequest:
    """Ask for a study of the labels, each in a column of its name unless `labels` says in which."""
    labels = labels if isinstance(labels, dict) else {label: label for label in labels}
    study = next(iter(labels)) if head == "binary" else head
    return StudyRequest(study, labels, head, metric, preprocessing)


def prepare(tmp_path: Path, settings: dict, asked: StudyRequest | None = None) -> LabelledSplits:
    """Prepare splits, and check what must hold of all of them: no row is lost, and the report agrees."""
    data = LabelledData(**settings)
    splits = prepare_splits(data, asked or request(), tmp_path / "splits")
    report = read_report(splits)
    assert report["rows_read"] == sum(splits.rows.values()) + sum(splits.left_out.values())
    assert sum(splits.rows.values()) == pq.read_metadata(splits.path).num_rows
    assert (report["rows"], report["positives"]) == (splits.rows, splits.positives)
    assert (report["left_out"], report["digest"]) == (splits.left_out, splits.digest)
    return splits


def read_report(splits: LabelledSplits) -> dict:
    """Return what the splits' report says."""
    return json.loads(Path(splits.report_path).read_text(encoding="utf-8"))


def all_rows(splits: LabelledSplits) -> Rows:
    """Return the rows of all splits, one split after another."""
    parts = [read_split(splits.path, splits.labels, split) for split in SPLITS]
    return Rows(
        [id_ for part in parts for id_ in part.ids],
        [text for part in parts for text in part.texts],
        np.concatenate([part.targets for part in parts]),
    )


def data_folder() -> Path:
    """Return where real data lies, which is not in the repository, if it is on this machine."""
    return Path(os.environ.get("WINNOW_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def real_data(name: str) -> Path:
    """Return one of the real sets or folders, or skip the test."""
    path = data_folder() / name
    if not path.exists():
        pytest.skip(f"not run: there is no {path}; set WINNOW_TEST_DATA to the folder of real data")
    return path

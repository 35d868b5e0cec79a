"""Rows of label snapshots, added to the train rows of the labelled data.

What was held out stays held out: an added text, or id, of the validation or test split is left out. Rows of one id that
contradict each other are left out as they are within the labelled data: see `row_checks`.
"""

import numpy as np
import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.base.naming.file_names import SNAPSHOT_LABELS_FILE
from tasks.core.corpus.labelled.label_snapshot import read_snapshot
from tasks.core.corpus.labelled.layouts import Source
from tasks.core.corpus.labelled.rows import LabelledRows, Ledger, StudyRequest, concatenate, objects, target_column
from tasks.core.corpus.labelled.splits import text_keys
from tasks.core.round.sections import LabelledData

HELD_OUT = "added row of a held-out text or id"
OTHER_LABELS = "added row without a label of the study"
ADDED_SPLIT = "train"


def added_sources(data: LabelledData) -> list[Source]:
    """Return the files of labels that are added."""
    return [Source(folder / SNAPSHOT_LABELS_FILE, ADDED_SPLIT) for folder in data.added]


def add_snapshots(rows: LabelledRows, data: LabelledData, request: StudyRequest, ledger: Ledger) -> LabelledRows:
    """Return the labelled data's rows, and after them those of snapshots that have a label of the study.

    Raises:
        InputDataError: a snapshot is not there, or stands twice in the list.
        TornRecordError: one is torn or altered.
    """
    if len(set(data.added)) < len(data.added):
        raise InputDataError(f"labelled_data.added names a snapshot twice: {list(map(str, data.added))}")
    first = int(rows.sources.max(initial=-1)) + 1
    tables = [read_snapshot(folder) for folder in data.added]
    added = [_as_rows(table, number, request, ledger) for number, table in enumerate(tables, start=first)]
    return concatenate([rows, *added]) if added else rows


def drop_held_out(rows: LabelledRows, data: LabelledData, request: StudyRequest, ledger: Ledger) -> LabelledRows:
    """Leave out added rows whose text or id stands in the validation or test split."""
    if not data.added:
        return rows
    held_out = rows.splits != ADDED_SPLIT
    added = np.isin(rows.sources, rows.sources.max() - np.arange(len(data.added)))
    keys = np.array(text_keys(rows.texts.tolist(), request), dtype=object)
    texts, ids = set(keys[held_out]), set(rows.ids[held_out])
    meets = np.array([key in texts or id_ in ids for key, id_ in zip(keys, rows.ids, strict=True)], dtype=bool)
    return ledger.leave_out(rows, meets & added & ~held_out, HELD_OUT)


def _as_rows(table: pa.Table, number: int, request: StudyRequest, ledger: Ledger) -> LabelledRows:
    targets = np.full((table.num_rows, len(request.labels)), np.nan)
    for place, label in enumerate(request.labels):
        if target_column(label) in table.column_names:
            targets[:, place] = table[target_column(label)].cast(pa.float64()).to_numpy()
    if request.head == "multi_class":
        targets[np.isnan(targets) & (targets == 1).any(axis=1, keepdims=True)] = 0.0
    rows = LabelledRows(
        ids=objects(table["tweet_id"].to_pylist()),
        texts=objects(table["text"].to_pylist()),
        undecodable=np.zeros(table.num_rows, dtype=bool),
        splits=np.full(table.num_rows, ADDED_SPLIT, dtype=object),
        targets=targets,
        sources=np.full(table.num_rows, number, dtype=np.int64),
    )
    ledger.read += table.num_rows
    return ledger.leave_out(rows, np.isnan(targets).all(axis=1), OTHER_LABELS)

"""Labelled data, in any of the known layouts -> checked splits, written once as Parquet beside a report.

Reads   the round's labelled files, and snapshots of labels: see `tasks.core.round.sections.LabelledData`
Writes  <folder>/<study>-<digest>.parquet with the columns id, text, split and target_<label>
        <folder>/<study>-<digest>.report.json
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import fingerprint, write_aside
from tasks.core.base.folders_aside import sweep
from tasks.core.base.formats import write_record
from tasks.core.base.naming.composed_names import splits_file, splits_report
from tasks.core.base.parquet import read_parquet
from tasks.core.corpus.labelled.added_rows import add_snapshots, added_sources, drop_held_out
from tasks.core.corpus.labelled.label_report import (
    LABEL_REPORT,
    describe_rows,
    refuse_leakage,
    refuse_shared_ids,
    start_report,
)
from tasks.core.corpus.labelled.layouts import find_sources
from tasks.core.corpus.labelled.positives import Counts, check_positives, count_values
from tasks.core.corpus.labelled.read_source import read_sources
from tasks.core.corpus.labelled.row_checks import drop_repeats, drop_unlabelled, drop_unusable, join_labels
from tasks.core.corpus.labelled.rows import LabelledRows, Ledger, StudyRequest, target_column
from tasks.core.corpus.labelled.splits import SPLITS, draw_splits, missing_splits
from tasks.core.corpus.logical_types import INT64_LIMIT
from tasks.core.round.sections import Head, LabelledData

__all__ = ["LabelledSplits", "Rows", "StudyRequest", "prepare_splits", "read_split"]


@dataclass(frozen=True)
class LabelledSplits:
    """A study's checked rows on disk."""

    study: str
    """The study has its label's name with a binary head, else it is multi_label or multi_class."""
    labels: tuple[str, ...]
    head: Head
    path: str
    report_path: str
    digest: str
    """This is the fingerprint of every id, text, split and target, in order."""
    rows: dict[str, int]
    """Each split has so many rows."""
    positives: dict[str, dict[str, int]]
    """Each label has so many positive rows in each split; a soft target counts from one half."""
    left_out: dict[str, int]
    """For each reason, so many rows are not used."""
    blank_words: dict[str, int]
    """For each word that was taken for no class, such as `NULL`, the rows that have it."""


@dataclass(frozen=True)
class Rows:
    """The rows of one split."""

    ids: list[str | int]
    texts: list[str]
    targets: NDArray[np.float64]
    """The targets have the shape (rows, labels), and are NaN where blank."""


def prepare_splits(data: LabelledData, request: StudyRequest, folder: Path) -> LabelledSplits:
    """Read a study's rows, check and split them, and write them and a report below `folder`.

    Raises:
        InputDataError: files, columns or values that cannot be used, float ids, a split without enough positives, or
            texts or ids that stand in two splits.
    """
    sweep(folder)
    ledger = Ledger()
    sources = find_sources(data, list(request.labels))
    rows = read_sources(sources, data, request, ledger)
    drawn = missing_splits(rows, data)
    sources += added_sources(data)
    rows = add_snapshots(rows, data, request, ledger)
    report = start_report(sources, data, request, ledger)
    report["drawn_splits"] = drawn
    rows = drop_unusable(rows, ledger)
    rows = drop_held_out(rows, data, request, ledger)
    if request.head == "multi_label":
        rows = join_labels(rows, ledger)
    rows, report["blanks"] = drop_unlabelled(rows, data, request, ledger)
    rows, report["conflicts"] = drop_repeats(rows, request, ledger)
    report["left_out"] = ledger.left_out
    ledger.check_balance(len(rows))
    ledger.check_some_left(rows)
    refused_path = folder / splits_report(request.study, "refused")
    refuse_leakage(rows, data, request, report, refused_path)
    refuse_shared_ids(rows, data, report, refused_path)
    rows = draw_splits(rows, drawn, data, request)
    counts = count_values(rows, list(request.labels))
    check_positives(counts, drawn, data, request, ledger)
    refused_path.unlink(missing_ok=True)
    return _write(rows, counts, report, request, folder)


def read_split(path: str | Path, labels: Sequence[str], split: str) -> Rows:
    """Return the rows of one split of a file that `prepare_splits` wrote, with targets in the order of `labels`.

    Raises:
        InputDataError: no such split or label.
    """
    targets = [target_column(label) for label in labels]
    known = pq.read_schema(path).names
    if split not in SPLITS or not set(targets) <= set(known):
        raise InputDataError(f"{path} has the columns {known} and the splits {SPLITS}; not {split} of {list(labels)}")
    table = read_parquet(Path(path), ["id", "text", "split", *targets])
    table = table.filter(pc.equal(table["split"], split))
    values = np.empty((table.num_rows, len(targets)), dtype=np.float64)
    for place, target in enumerate(targets):
        values[:, place] = table[target].to_numpy()
    return Rows(table["id"].to_pylist(), table["text"].to_pylist(), values)


def _write(
    rows: LabelledRows, counts: list[Counts], report: dict[str, Any], request: StudyRequest, folder: Path
) -> LabelledSplits:
    table = _as_table(rows, request)
    digest = fingerprint(table.to_pydict())
    path = folder / splits_file(request.study, digest)
    if not path.exists():
        with write_aside(path) as aside:
            pq.write_table(table, aside, compression="zstd")
    positives: dict[str, dict[str, int]] = {label: {} for label in request.labels}
    negatives: dict[str, dict[str, int]] = {label: {} for label in request.labels}
    for found in counts:
        positives[found.label][found.split], negatives[found.label][found.split] = found.positives, found.negatives
    values = {"positives": positives, "negatives": negatives}
    report |= describe_rows(rows) | values | {"leaked_texts": [], "digest": digest}
    report_path = folder / splits_report(request.study, digest)
    write_record(report_path, LABEL_REPORT, report)
    return LabelledSplits(
        study=request.study,
        labels=tuple(request.labels),
        head=request.head,
        path=str(path),
        report_path=str(report_path),
        digest=digest,
        rows=report["rows"],
        positives=positives,
        left_out=report["left_out"],
        blank_words=report["blank_words"],
    )


def _as_table(rows: LabelledRows, request: StudyRequest) -> pa.Table:
    columns = {"id": _id_array(rows), "text": pa.array(rows.texts.tolist(), pa.string())}
    columns["split"] = pa.array(rows.splits.tolist(), pa.string())
    for place, label in enumerate(request.labels):
        columns[target_column(label)] = pa.array(rows.targets[:, place], pa.float64(), from_pandas=True)
    return pa.table(columns)


def _id_array(rows: LabelledRows) -> pa.Array:
    ids = rows.ids.tolist()
    if isinstance(ids[0], str):
        return pa.array(ids, pa.string())
    if max(ids) >= INT64_LIMIT and min(ids) < 0:
        raise InputDataError(
            f"the ids of the labelled data reach from {min(ids)} to {max(ids)}, more than one 64-bit integer type "
            "holds. Write them as strings."
        )
    return pa.array(ids, pa.uint64() if max(ids) >= INT64_LIMIT else pa.int64())

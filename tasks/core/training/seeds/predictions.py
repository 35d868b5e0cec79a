"""A seed's predictions on disk: what selection, ensemble and pictures are made from."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.base.naming.file_names import PREDICTIONS_FILE, TEST_PREDICTIONS_FILE
from tasks.core.base.parquet import read_parquet
from tasks.core.corpus.labelled.prepare import LabelledSplits, read_split
from tasks.core.metrics.heads import decide
from tasks.core.training.seeds.seed_plan import SeedPlan


@dataclass(frozen=True)
class Predictions:
    """Targets and scores of one split, both of shape (rows, labels); blank targets are NaN."""

    targets: NDArray[np.float64]
    scores: NDArray[np.float64]


def write_predictions(splits: LabelledSplits, predictions: dict[str, Predictions], folder: Path) -> None:
    """Write predictions.parquet (validation and test) and test_predictions.txt."""
    tables = []
    for split, rows in predictions.items():
        ids = read_split(splits.path, splits.labels, split).ids
        columns = {"id": pa.array(ids), "split": pa.array([split] * len(ids))}
        for number, label in enumerate(splits.labels):
            columns[f"target_{label}"] = pa.array(rows.targets[:, number], pa.float64(), from_pandas=True)
            columns[f"score_{label}"] = pa.array(rows.scores[:, number], pa.float64())
        tables.append(pa.table(columns))
    pq.write_table(pa.concat_tables(tables), folder / PREDICTIONS_FILE, compression="zstd")
    _write_test_text(splits, tables[-1], predictions["test"].scores, folder / TEST_PREDICTIONS_FILE)


def _write_test_text(splits: LabelledSplits, test: pa.Table, scores: NDArray[np.float64], path: Path) -> None:
    decisions = decide(splits.head, scores)
    with path.open("w", encoding="utf-8", newline="") as text:
        rows = csv.writer(text, delimiter="\t", lineterminator="\n")
        rows.writerow(["index", *test.drop_columns("split").column_names, "prediction"])
        for index, row in enumerate(test.drop_columns("split").to_pylist()):
            predicted = [label for label, yes in zip(splits.labels, decisions[index], strict=True) if yes]
            rows.writerow([index, *row.values(), ",".join(predicted)])


def read_predictions(plan: SeedPlan, split: str, labels: Sequence[str]) -> Predictions:
    """Read what a finished seed predicted for one split."""
    table = read_parquet(plan.folder / PREDICTIONS_FILE)
    table = table.filter(pc.equal(table["split"], split))
    targets = [table[f"target_{label}"].to_numpy() for label in labels]
    scores = [table[f"score_{label}"].to_numpy() for label in labels]
    return Predictions(np.stack(targets, axis=1).astype(np.float64), np.stack(scores, axis=1))

"""Hard targets beside those of the experts: a student's train rows may have both, in columns of their own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from tasks.core.base.parquet import read_parquet
from tasks.core.corpus.labelled.prepare import Rows


def hard_column(label: str) -> str:
    """Return the column of a label's hard targets in a file of splits."""
    return f"hard_{label}"


def with_hard_targets(path: str | Path, labels: Sequence[str], rows: Rows) -> Rows:
    """Return the train rows with twice as many targets: those that they have, then the hard ones, NaN where blank."""
    columns = [hard_column(label) for label in labels]
    table = read_parquet(Path(path), ["split", *columns])
    table = table.filter(pc.equal(table["split"], "train"))
    hard = np.stack([np.asarray(table[name].to_numpy(), dtype=np.float64) for name in columns], axis=1)
    return replace(rows, targets=np.concatenate([rows.targets, hard], axis=1))

"""Answers to a labelling batch, as an import leaves them, for tests of what follows from them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.naming.file_names import DECIDED_FILE
from tasks.core.exchange.batch import read_batch

Truth = Callable[[dict[str, Any]], int | None]


def answer_batch(folder: Path, truth: Truth) -> None:
    """Decide every drawn text of a batch by its row of the draws; None leaves it undecided."""
    rows = {(row["tweet_id"], row["label"]): truth(row) for row in read_batch(folder).draws.to_pylist()}
    targets = list(rows.values())
    table = pa.table(
        {
            "tweet_id": [id_ for id_, _ in rows],
            "label": [label for _, label in rows],
            "target": pa.array(targets, pa.int8()),
            "votes_yes": pa.array([int(target == 1) for target in targets], pa.int32()),
            "votes_no": pa.array([int(target == 0) for target in targets], pa.int32()),
            "how": ["unsure" if target is None else "unanimous" for target in targets],
        }
    )
    pq.write_table(table, folder / DECIDED_FILE)

"""Real comments and the feelings that people found in them: GoEmotions, each distinct text once."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.exchange.labelled_before import normal_text
from tests.benchmarks.trained import real_data

SOURCE = "goemotions_multilabel.parquet"
LABELS = ("grief", "relief", "pride", "remorse")
"""The loop's labels; these are the rarest of the set, and one that is less rare."""
COLUMNS = ["tweet_id", "text", *LABELS]
LEAST_OF_OTHERS = 1_000
"""Of the others, those are read that are true of so many texts: the base model is taught them."""


def read_texts() -> pa.Table:
    """Return the distinct texts of the real set: tweet_id, text, and 0 or 1 for each label, first those of the loop."""
    source = real_data(SOURCE)
    if source is None:
        raise SystemExit(f"the loop needs {SOURCE}: set WINNOW_TEST_DATA to its folder; see tests/README.md")
    table = pq.read_table(source)
    names = json.loads(table.schema.metadata[b"label_names"])
    first = {normal_text(text): place for place, text in reversed(list(enumerate(table["text"].to_pylist())))}
    table = table.take(pa.array(sorted(place for text, place in first.items() if text)))
    found = {name: pc.list_element(table["label"], place) for place, name in enumerate(names)}
    others = [name for name in names if name not in LABELS and pc.sum(found[name]).as_py() >= LEAST_OF_OTHERS]
    return pa.table(
        {"tweet_id": table["id"], "text": table["text"], **{name: found[name] for name in (*LABELS, *others)}}
    )


def positives(table: pa.Table) -> dict[str, int]:
    """Return how many texts each label is true of."""
    return {label: int(pc.sum(table[label]).as_py()) for label in LABELS}


def targets(table: pa.Table) -> NDArray[np.float64]:
    """Return the labels as an array, a column each."""
    return np.stack([table[label].to_numpy() for label in LABELS], axis=1).astype(np.float64)

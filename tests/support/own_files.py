"""A person's own CSV files: labelled texts, and texts to score. Real ones where there are, else the demo's."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from tests.support.documents import ROOT
from tests.support.labelled_files import data_folder

LABELLED, UNLABELLED = 600, 5_000
DEMOS = ROOT / "deployments" / "demo" / "data"


def write_own_files(folder: Path) -> tuple[Path, Path]:
    """Write 600 labelled texts (`id,text,offensive`) and 5,000 others (`id,text`) as CSV, and return both files."""
    labelled, pool = _labelled(), _unlabelled()
    known = set(labelled["text"].to_pylist())
    fresh = pool.filter(
        pa.array([bool(text and text.strip()) and text not in known for text in pool["text"].to_pylist()])
    )
    files = folder / "labels.csv", folder / "texts.csv"
    for path, table in zip(files, (labelled, _drawn(fresh, UNLABELLED)), strict=True):
        pyarrow.csv.write_csv(table, path)
    return files


def _labelled() -> pa.Table:
    real = data_folder() / "tweeteval_offensive.parquet"
    columns = {"id": "id", "text": "text", "label": "offensive"}
    if not real.exists():
        real, columns = DEMOS / "labelled.parquet", {"tweet_id": "id", "text": "text", "negative": "offensive"}
    return _drawn(pq.read_table(real, columns=list(columns)).rename_columns(list(columns.values())), LABELLED)


def _unlabelled() -> pa.Table:
    real = data_folder() / "tweets_unlabelled_pool.parquet"
    names = ["id", "text"] if real.exists() else ["tweet_id", "text"]
    return (
        ds.dataset(real if real.exists() else DEMOS / "sample").to_table(columns=names).rename_columns(["id", "text"])
    )


def _drawn(table: pa.Table, rows: int) -> pa.Table:
    return table.take(np.random.default_rng(0).permutation(table.num_rows)[:rows])

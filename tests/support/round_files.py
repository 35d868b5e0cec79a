"""A small round on disk: its labelled data, its sample and its round file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.support.shared_worker import shared_worker
from tests.support.tiny import make_sentences

FLOWS = ("training", "conversion", "inference", "pretraining", "sampling", "publishing")


def write_labelled(path: Path) -> Path:
    """Write 120 rows: `positive` where a good word stands in the text, `negative` where a bad one does."""
    texts = make_sentences(120, seed=1)
    table = pa.table(
        {
            "tweet_id": pa.array(range(10**17, 10**17 + 120), pa.int64()),
            "text": texts,
            "positive": pa.array([int("good" in text) for text in texts], pa.int8()),
            "negative": pa.array([int("bad" in text) for text in texts], pa.int8()),
        }
    )
    pq.write_table(table, path)
    return path


def write_sample(folder: Path, rows: int, files: int = 2, row_group_size: int = 50) -> Path:
    """Write `rows` distinct ids, evenly over `files` Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = make_sentences(rows, seed=2)
    for number, positions in enumerate(np.array_split(np.arange(rows), files)):
        table = pa.table(
            {
                "tweet_id": pa.array(positions + 5 * 10**17, pa.int64()),
                "text": [texts[position] for position in positions],
            }
        )
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=row_group_size)
    return folder


def one_worker() -> dict[str, str]:
    """Return, for each flow, the Dask worker that all small rounds of this process share."""
    return dict.fromkeys(FLOWS, shared_worker())


def some_workers(folder: Path, workers: int) -> dict[str, str]:
    """Write a profile of so many Dask workers, and return it for each flow."""
    path = folder / f"workers-{workers}.yaml"
    path.write_text(yaml.safe_dump({"kind": "local", "workers": workers}))
    return dict.fromkeys(FLOWS, str(path))


def write_round(folder: Path, base_model: Path, sample_rows: int = 240, **changes: object) -> Path:
    """Write a small round's file and its data below `folder`; keyword arguments replace its top-level keys."""
    labelled = folder / "labelled.parquet"
    content = {
        "country": "US",
        "iteration": "iter0",
        "labels": {"positive": "positive", "negative": "negative"},
        "labelled_data": {"path": str(labelled if labelled.exists() else write_labelled(labelled))},
        "base_model": str(base_model),
        "training": {
            "seeds": [1, 2],
            "epochs": 1,
            "batch_size": 16,
            "max_length_tokens": 32,
            "bootstrap_resamples": 100,
        },
        "conversion": {"parity_texts": 200, "scored_texts": 200, "variants": []},
        "samples": {"evaluation": {"path": str(write_sample(folder / "sample", sample_rows))}},
        "inference": {"output_path": str(folder / "runs"), "shard_rows": 50, "batch_tokens": 512},
        "work_path": str(folder / "work"),
    } | changes
    path = folder / f"{str(content['country']).lower()}-{content['iteration']}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path

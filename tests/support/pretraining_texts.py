"""Sentences that follow a pattern: after `word7` comes `word8`, after `word23` `word0`."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PATTERNS = [
    " ".join(f"word{(start + step) % 24}" for step in range(length)) for start in range(24) for length in range(4, 29)
]


def write_texts(path: Path, texts: list[str | None], row_group_size: int = 100) -> None:
    """Write texts as a sample's file, with ids from 0."""
    table = pa.table({"tweet_id": pa.array(range(len(texts)), pa.int64()), "text": pa.array(texts, pa.string())})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)

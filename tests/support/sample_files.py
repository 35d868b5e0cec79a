"""Write small samples as text, with real compressors."""

import bz2
import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.corpus.sample.listing import list_sample
from tasks.core.round.sections import Sample


def compress(path: Path, content: bytes) -> Path:
    """Write bytes, compressed as the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    elif path.suffix == ".bz2":
        content = bz2.compress(content)
    elif path.suffix in (".lz4", ".zst"):
        content = pa.Codec({".lz4": "lz4", ".zst": "zstd"}[path.suffix]).compress(content, asbytes=True)
    path.write_bytes(content)
    return path


def write_csv(path: Path, rows: list[tuple[object, str]], header: tuple[str, ...] = ("tweet_id", "text")) -> Path:
    """Write rows under a header, quoted where they must be."""
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([header, *rows])
    return compress(path, lines.getvalue().encode())


def write_json_lines(path: Path, rows: list[tuple[object, str | None]]) -> Path:
    """Write rows as objects with another key between id and text."""
    lines = [json.dumps({"tweet_id": id_, "user": {"name": "ana"}, "text": text}) for id_, text in rows]
    return compress(path, "".join(f"{line}\n" for line in lines).encode())


def converted(path: Path, **settings: object) -> pa.Table:
    """List a sample of one or more files, and read them all as one table."""
    return pa.concat_tables([pq.read_table(file.path) for file in list_sample(Sample(path=path, **settings))])


def rows_of(path: Path) -> list[tuple[object, str | None]]:
    """Return a sample's ids and texts."""
    table = converted(path)
    return list(zip(table["tweet_id"].to_pylist(), table["text"].to_pylist(), strict=True))

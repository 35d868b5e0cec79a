"""Read a sample's rows: by range, or drawn at random."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.corpus.sample import SampleFile
from tasks.core.errors import InputDataError
from tasks.core.round_sections import Sample


def read_rows(path: str | Path, start: int, stop: int, id_column: str, text_column: str) -> pa.Table:
    """Read the rows `start` to `stop` (exclusive) of a file as columns `id` and `text`."""
    tables = []
    with pq.ParquetFile(path) as file:
        first = 0
        for index in range(file.num_row_groups):
            rows = file.metadata.row_group(index).num_rows
            if first < stop and first + rows > start:
                group = file.read_row_group(index, columns=[id_column, text_column])
                tables.append(group.slice(max(start - first, 0), min(stop, first + rows) - max(start, first)))
            first += rows
    table = pa.concat_tables(tables)
    return pa.table({"id": table[id_column], "text": table[text_column]})


def draw_texts(files: list[SampleFile], sample: Sample, count: int, seed: int, setting: str) -> list[str]:
    """Draw `count` texts of the sample without replacement, blank ones left out; fixed by `seed`.

    `setting` is what an error calls the count. Reads the row groups that were drawn, one at a time.

    Raises:
        InputDataError: the sample has fewer texts than that.
    """
    total = sum(file.rows for file in files)
    drawn = min(count, total)
    while True:
        chosen = np.sort(np.random.default_rng(seed).choice(total, size=drawn, replace=False))
        texts = [text for file, rows in _rows_by_file(files, chosen) for text in _texts_at(file, sample, rows)]
        texts = [text for text in texts if text and not text.isspace()]
        if len(texts) >= count:
            kept = np.sort(np.random.default_rng(seed).choice(len(texts), size=count, replace=False))
            return [texts[position] for position in kept]
        if drawn == total:
            raise InputDataError(
                f"{sample.path} has {len(texts)} texts that are not blank, but {setting} is {count}. "
                "Lower it in the round file, or name a larger sample."
            )
        drawn = min(total, 2 * drawn)


def _rows_by_file(files: list[SampleFile], rows: NDArray[np.int64]) -> Iterator[tuple[SampleFile, NDArray[np.int64]]]:
    first = 0
    for file in files:
        inside = rows[(rows >= first) & (rows < first + file.rows)]
        if len(inside):
            yield file, inside - first
        first += file.rows


def _texts_at(file: SampleFile, sample: Sample, rows: NDArray[np.int64]) -> Iterator[str | None]:
    first = 0
    for group_rows in file.row_groups:
        inside = rows[(rows >= first) & (rows < first + group_rows)]
        if len(inside):
            group = read_rows(file.path, first, first + group_rows, sample.id_column, sample.text_column)
            yield from decode_texts(group["text"].take(inside - first))
        first += group_rows


def decode_texts(texts: pa.ChunkedArray) -> list[str | None]:
    """Return the texts, None for those that are null or whose bytes are not UTF-8; Parquet writers do not check."""
    try:
        texts.validate(full=True)
        return list(texts.to_pylist())
    except pa.ArrowInvalid:
        return [_decode(content) for content in texts.cast(pa.large_binary()).to_pylist()]


def _decode(content: bytes | None) -> str | None:
    try:
        return content.decode() if content is not None else None
    except UnicodeDecodeError:
        return None

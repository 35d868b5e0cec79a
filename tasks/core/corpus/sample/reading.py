"""Read a sample's rows: by range, or drawn at random."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import READ_BYTES
from tasks.core.corpus.columns import check_id_strings
from tasks.core.corpus.faults import parquet_errors_named
from tasks.core.corpus.logical_types import id_type, is_string, plain
from tasks.core.corpus.sample.sample_file import SampleFile
from tasks.core.round.sections import Sample

BATCH_ROWS = 8_192
"""At most so many rows are decoded at once."""
BATCH_BYTES = 1 << 22
"""As many rows as have so many bytes on average are decoded at once, where texts are long."""


def read_rows(
    path: str | Path, start: int, stop: int, id_column: str, text_column: str, as_stored: bool = False
) -> pa.Table:
    """Read the rows `start` to `stop` (exclusive) of a file as columns `id` and `text`.

    Memory follows from that range, however large the file's row groups are.

    Ids are of the type that all of a sample's ids have, whichever of its like the file has; `as_stored` leaves them in
    the file's own.

    Raises:
        OSError: a fault of the disk, which may pass.
        UnreadableFileError: the file is damaged, encrypted, or compressed by a codec that is not known.
        InputDataError: ids are written as floats.
    """
    named = parquet_errors_named(Path(path), system=False)
    with named, pq.ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False) as file:
        type_ = file.schema_arrow.field(id_column).type
        batches = list(_stream_rows(file, start, stop, [id_column, text_column]))
        rows = pa.Table.from_batches(batches) if batches else _no_rows(file.schema_arrow, [id_column, text_column])
        ids, texts = rows["0"] if as_stored else rows["0"].cast(id_type(type_) or pa.string()), rows["1"]
    if is_string(ids.type):
        check_id_strings(Path(path), id_column, ids)
    return pa.table({"id": ids, "text": texts})


def _no_rows(schema: pa.Schema, columns: list[str]) -> pa.Table:
    return pa.table({str(place): plain(pa.nulls(0, schema.field(name).type)) for place, name in enumerate(columns)})


def _plain_batch(batch: pa.RecordBatch, columns: list[str]) -> pa.RecordBatch:
    """Return the columns in their order, called by their places, as Arrow can work with them."""
    return pa.record_batch({str(place): plain(batch.column(name)) for place, name in enumerate(columns)})


def _stream_rows(file: pq.ParquetFile, start: int, stop: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Read a range of rows batch by batch, from the row groups that hold it; columns are called `0`, `1` and so on."""
    sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    ends = np.cumsum([0, *sizes])
    held = [index for index, rows in enumerate(sizes) if rows and ends[index] < stop and ends[index + 1] > start]
    if not held or start >= stop:
        return
    first = int(ends[held[0]])
    for batch in file.iter_batches(_rows_at_once(file, held), row_groups=held, columns=columns):
        if first >= stop:
            return
        begin, end = max(start - first, 0), min(stop - first, len(batch))
        if begin < end:
            rows = _plain_batch(batch, columns)
            yield rows if end - begin == len(batch) else _copy(rows, begin, end)
        first += len(batch)


def _rows_at_once(file: pq.ParquetFile, held: list[int]) -> int:
    """Return how many rows of some row groups to decode at once, by their bytes.

    Of all columns: pyarrow ends the process when it is asked for the size of one that is encrypted.
    """
    groups = (file.metadata.row_group(index) for index in held)
    row_bytes: int = max(group.total_byte_size // group.num_rows for group in groups)
    return min(BATCH_ROWS, max(1, BATCH_BYTES // max(1, row_bytes)))


def _copy(batch: pa.RecordBatch, begin: int, end: int) -> pa.RecordBatch:
    """Copy rows of a batch; a slice would keep all of it in memory, and bytes of its neighbours when it is written."""
    return batch.take(pa.array(range(begin, end), pa.int64()))


def draw_texts(files: list[SampleFile], sample: Sample, count: int, seed: int, setting: str) -> list[str]:
    """Draw `count` texts of the sample without replacement, blank ones left out; fixed by `seed`.

    `setting` is what an error calls the count. Reads the row groups that were drawn, batch by batch.

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
    with (
        parquet_errors_named(Path(file.path)),
        pq.ParquetFile(file.path, buffer_size=READ_BYTES, pre_buffer=False) as opened,
    ):
        for group_rows in file.row_groups:
            inside = rows[(rows >= first) & (rows < first + group_rows)]
            if len(inside):
                batches = _stream_rows(opened, first, first + group_rows, [sample.text_column])
                yield from _texts_within(batches, inside - first)
            first += group_rows


def _texts_within(batches: Iterator[pa.RecordBatch], rows: NDArray[np.int64]) -> Iterator[str | None]:
    first = 0
    for batch in batches:
        inside = rows[(rows >= first) & (rows < first + len(batch))]
        if len(inside):
            yield from decode_texts(pa.chunked_array([batch.column(0).take(pa.array(inside - first))]))
        first += len(batch)


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

"""A sample's files: listed in a fixed order, known by their Parquet footers, read by row range."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.corpus.columns import check_columns, read_schema
from tasks.core.errors import InputDataError
from tasks.core.round import Sample

FOOTER_TAIL_BYTES = 8
"""A Parquet file ends with the footer's length (4 bytes, little endian) and `PAR1`."""


@dataclass(frozen=True)
class SampleFile:
    """One Parquet file of a sample, from its footer alone."""

    path: str
    name: str
    """Path below the sample's folder: what the fingerprint knows it by."""
    row_groups: tuple[int, ...]
    """Rows of each row group."""
    size_bytes: int
    footer_sha256: str

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(self.row_groups)


def list_sample(sample: Sample) -> list[SampleFile]:
    """List a sample's Parquet files by name.

    Raises:
        InputDataError: no such path, no or a torn Parquet file, no rows, a missing column, or an id column of floats.
    """
    if sample.path.is_file():
        paths = [sample.path]
    elif sample.path.is_dir():
        paths = sorted(path for path in sample.path.rglob("*.parquet") if not path.name.startswith("."))
    else:
        raise InputDataError(f"there is no sample at {sample.path}; correct samples in the round file")
    if not paths:
        raise InputDataError(f"the sample's folder {sample.path} holds no .parquet file")
    files = [_describe(path, sample) for path in paths]
    if not any(file.rows for file in files):
        raise InputDataError(f"the sample {sample.path} has {len(files)} files and no rows")
    return files


def sample_root(sample: Sample) -> Path:
    """Return the folder that a sample's file names count from."""
    return sample.path if sample.path.is_dir() else sample.path.parent


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


def draw_texts(files: list[SampleFile], sample: Sample, count: int, seed: int) -> list[str]:
    """Draw `count` texts of the sample without replacement, blank ones left out; fixed by `seed`.

    Reads the row groups that were drawn, one at a time.

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
                f"{sample.path} has {len(texts)} texts that are not blank, but conversion.parity_texts is {count}."
                " Lower it in the round file, or name a larger sample."
            )
        drawn = min(total, 2 * drawn)


def _rows_by_file(files: list[SampleFile], rows: np.ndarray) -> Iterator[tuple[SampleFile, np.ndarray]]:
    first = 0
    for file in files:
        inside = rows[(rows >= first) & (rows < first + file.rows)]
        if len(inside):
            yield file, inside - first
        first += file.rows


def _texts_at(file: SampleFile, sample: Sample, rows: np.ndarray) -> Iterator[str | None]:
    first = 0
    for group_rows in file.row_groups:
        inside = rows[(rows >= first) & (rows < first + group_rows)]
        if len(inside):
            group = read_rows(file.path, first, first + group_rows, sample.id_column, sample.text_column)
            yield from group["text"].take(inside - first).to_pylist()
        first += group_rows


def _describe(path: Path, sample: Sample) -> SampleFile:
    check_columns(path, read_schema(path), {"id": sample.id_column, "text": sample.text_column})
    metadata = pq.read_metadata(path)
    return SampleFile(
        path=str(path),
        name=path.relative_to(sample_root(sample)).as_posix(),
        row_groups=tuple(metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)),
        size_bytes=path.stat().st_size,
        footer_sha256=_footer_sha256(path),
    )


def _footer_sha256(path: Path) -> str:
    with path.open("rb") as content:
        content.seek(-FOOTER_TAIL_BYTES, 2)
        length = int.from_bytes(content.read(4), "little")
        content.seek(-FOOTER_TAIL_BYTES - length, 2)
        return hashlib.sha256(content.read(length)).hexdigest()

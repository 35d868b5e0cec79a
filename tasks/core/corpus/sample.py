"""A sample's files: listed in a fixed order, known by their Parquet footers, read by row range."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.corpus.columns import check_columns, check_id_type
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
        InputDataError: no such path, no Parquet file, a torn file, a missing column, or an id column of floats.
    """
    if sample.path.is_file():
        paths = [sample.path]
    elif sample.path.is_dir():
        paths = sorted(path for path in sample.path.rglob("*.parquet") if not path.name.startswith("."))
    else:
        raise InputDataError(f"there is no sample at {sample.path}; correct samples in the round file")
    if not paths:
        raise InputDataError(f"the sample's folder {sample.path} holds no .parquet file")
    return [_describe(path, sample) for path in paths]


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
    """Draw `count` rows of the sample without replacement and return their texts, blanks left out.

    Reads the row groups that were drawn, one at a time. Returns fewer texts when the sample is smaller.
    """
    total = sum(file.rows for file in files)
    drawn = np.sort(np.random.default_rng(seed).choice(total, size=min(count, total), replace=False))
    texts = [text for file, rows in _rows_by_file(files, drawn) for text in _texts_at(file, sample, rows)]
    return [text for text in texts if text]


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
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputDataError(f"{path} is not a whole Parquet file: {error}. Write it again, or move it away.") from None
    schema = metadata.schema.to_arrow_schema()
    check_columns(schema, {"id": sample.id_column, "text": sample.text_column}, path)
    check_id_type(schema.field(sample.id_column), path)
    _check_text_type(schema.field(sample.text_column), path)
    return SampleFile(
        path=str(path),
        name=path.relative_to(sample_root(sample)).as_posix(),
        row_groups=tuple(metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)),
        size_bytes=path.stat().st_size,
        footer_sha256=_footer_sha256(path),
    )


def _check_text_type(field: pa.Field, path: Path) -> None:
    if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
        raise InputDataError(f"the text column '{field.name}' of {path} has type {field.type}; it must hold strings")


def _footer_sha256(path: Path) -> str:
    with path.open("rb") as content:
        content.seek(-FOOTER_TAIL_BYTES, 2)
        length = int.from_bytes(content.read(4), "little")
        content.seek(-FOOTER_TAIL_BYTES - length, 2)
        return hashlib.sha256(content.read(length)).hexdigest()

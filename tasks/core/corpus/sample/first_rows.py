"""The first rows of a sample, read in a moment as a run would read them: what they hold, and how many there may be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import check_columns, read_footer, require_columns
from tasks.core.corpus.encodings import LOOKED_BYTES, refuse_wide
from tasks.core.corpus.faults import TornFileError, parquet_errors_named
from tasks.core.corpus.logical_types import blank_strings, is_string
from tasks.core.corpus.sample.csv_rows import csv_header, csv_rows
from tasks.core.corpus.sample.json_rows import json_keys, json_rows
from tasks.core.corpus.sample.reading import read_rows
from tasks.core.corpus.sample.row_groups import IdColumn, gather, strings
from tasks.core.corpus.sample.source_bytes import HashedFile, open_decompressed
from tasks.core.corpus.sample.sources import CSV, PARQUET, SampleSources, find_sources
from tasks.core.corpus.sample.text_lines import Row
from tasks.core.round.sections import Sample

LOOKED_ROWS = 1_000
COUNTED_BYTES = 32_000_000
"""Rows of text files that hold more than so many bytes together are not counted: that takes more than a moment."""
COUNTED_FILES = 1_000
"""Rows of more Parquet files than this are not counted either."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class FirstRows:
    """What a look at a sample's first rows shows."""

    files: int
    rows: int | None
    """The whole sample has so many rows; None where to count them would take more than a moment."""
    looked: int
    """So many rows were looked at."""
    without_id: int
    repeated: int
    """So many of them have an id that an earlier one has."""
    blank_texts: int


def look_at_sample(sample: Sample) -> FirstRows:
    """Look at the first rows of a sample's first file that has any.

    Raises:
        InputDataError: no such files, columns that are not there, ids that are floats, or rows that cannot be read.
    """
    sources = find_sources(sample)
    looked = (_or_torn(sample, partial(_first_rows, path, sample, sources.kind)) for path in sources.paths)
    first = next((rows for rows in looked if rows is not None and len(rows)), None)
    if first is None:
        raise InputDataError(f"the sample {sample.path} has {len(sources.paths)} files and no rows")
    ids = first["id"].drop_null()
    given = ids.filter(pc.invert(blank_strings(ids))) if is_string(ids.type) else ids
    return FirstRows(
        files=len(sources.paths),
        rows=_or_torn(sample, partial(_count, sample, sources)),
        looked=len(first),
        without_id=len(first) - len(given),
        repeated=len(given) - len(given.unique()),
        blank_texts=sum(not (text or b"").strip() for text in first["text"].cast(pa.large_binary()).to_pylist()),
    )


def sample_column_names(path: Path, kind: str) -> list[str]:
    """Return the names of the columns of one of a sample's files; of JSON Lines, the keys of its first objects.

    Raises:
        InputDataError: a file that cannot be read.
    """
    if kind == PARQUET:
        return list(read_footer(path)[0].names)
    with HashedFile(path) as file:
        content = open_decompressed(path, file)
        refuse_wide(path, content.peek(LOOKED_BYTES)[:LOOKED_BYTES])
        return csv_header(path, content) if kind == CSV else json_keys(path, content, LOOKED_ROWS)


def _or_torn(sample: Sample, look: Callable[[], Found]) -> Found | None:
    """Return what a look shows; None where it meets a file that is torn, in a sample that skips those."""
    try:
        return look()
    except TornFileError:
        if sample.on_torn_file == "refuse":
            raise
        return None


def _first_rows(path: Path, sample: Sample, kind: str) -> pa.Table:
    wanted = {"id": sample.id_column, "text": sample.text_column}
    if kind == PARQUET:
        schema, metadata = read_footer(path)
        if not metadata.num_rows:
            return pa.table({"id": strings([]), "text": strings([])})
        check_columns(path, schema, wanted)
        with parquet_errors_named(path):
            return read_rows(path, 0, LOOKED_ROWS, sample.id_column, sample.text_column)
    names = sample_column_names(path, kind)
    if names:
        require_columns(path, names, wanted)
    with HashedFile(path) as file:
        rows = _text_rows(path, file, sample, kind)
        group = next(gather(islice(rows, LOOKED_ROWS)), None)
    if group is None:
        return pa.table({"id": strings([]), "text": strings([])})
    ids = IdColumn(path, sample.id_column, lambda: None).to_arrow(group)
    return pa.table({"id": pa.chunked_array([ids]), "text": pa.chunked_array([strings(group.texts)])})


def _text_rows(path: Path, file: HashedFile, sample: Sample, kind: str) -> Iterator[Row]:
    return (csv_rows if kind == CSV else json_rows)(path, open_decompressed(path, file), sample)


def _count(sample: Sample, sources: SampleSources) -> int | None:
    """Count the rows of all files, unless it takes long; text files are read to their end, and refused where torn."""
    if sources.kind == PARQUET:
        few = len(sources.paths) <= COUNTED_FILES
        return sum(read_footer(path)[1].num_rows for path in sources.paths) if few else None
    if sum(path.stat().st_size for path in sources.paths) > COUNTED_BYTES:
        return None
    return sum(1 for _ in chain.from_iterable(_all_rows(path, sample, sources.kind) for path in sources.paths))


def _all_rows(path: Path, sample: Sample, kind: str) -> Iterator[Row]:
    with HashedFile(path) as file:
        yield from _text_rows(path, file, sample, kind)

"""Convert a sample's text files to Parquet, once for each content, into a folder that all machines see."""

import io
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError, WinnowError
from tasks.core.base.files import fingerprint, write_aside
from tasks.core.base.folders_aside import sweep
from tasks.core.base.formats import FileFormat, read_record, unchanged, write_record
from tasks.core.base.naming.composed_names import parquet_file
from tasks.core.base.naming.file_names import CONVERTED_FOLDER
from tasks.core.corpus.encodings import LOOKED_BYTES, Undecodable, refuse_wide
from tasks.core.corpus.faults import UnreadableFileError
from tasks.core.corpus.sample.csv_rows import csv_rows
from tasks.core.corpus.sample.json_rows import json_rows
from tasks.core.corpus.sample.row_groups import IdColumn, gather, strings
from tasks.core.corpus.sample.source_bytes import HashedFile, open_decompressed
from tasks.core.corpus.sample.sources import CSV, SampleSources
from tasks.core.round.sections import Sample

CONVERSION_VERSION = 2
"""Raise this number when the same source would give other rows."""
SOURCE_KEY = b"winnow.source"


def converted_root(sample: Sample, sources: SampleSources) -> Path:
    """Return the folder of a text sample's Parquet files: below `converted_path`, or `_converted` beside the sample."""
    key = fingerprint([str(sample.path), sample.id_column, sample.text_column, CONVERSION_VERSION])
    return (sample.converted_path or sources.root / CONVERTED_FOLDER) / key


def converted_file(path: Path, sample: Sample, sources: SampleSources, report: Callable[[str], None]) -> Path:
    """Return a text file as Parquet, converting it unless the same size and time of change were converted before.

    `report` is told when it has been converted. The Parquet file's bytes follow from the source's name and content, so
    one that was only touched becomes the same file again.

    Raises:
        TornFileError: a compressed file that is not whole; it is read again each time, since it may be mended.
        UnreadableFileError: a file or a folder that this machine or user cannot read or write.
        DiskFullError: there is no room.
        InputDataError: rows that cannot be carried over, a source that is being written, or a folder that cannot be.
    """
    target = _target(path, sample, sources)
    try:
        _convert_once(path, target, sample, sources, report)
    except WinnowError:
        raise
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be converted into {target.parent}: {error}. If it can be read, set converted_path of the "
            "sample to a folder that can be written and that all workers see."
        ) from None
    return target


def sweep_converted(sample: Sample, sources: SampleSources) -> None:
    """Remove what conversions that were killed left half-made beside the converted files."""
    for folder in {_target(path, sample, sources).parent for path in sources.paths}:
        sweep(folder)


def _target(path: Path, sample: Sample, sources: SampleSources) -> Path:
    return converted_root(sample, sources) / parquet_file(path.relative_to(sources.root).as_posix())


class ConversionNote(TypedDict, total=False):
    """What the note beside a converted file says: its source's state and sha256. Former ones said why it was torn."""

    state: list[int]
    sha256: str
    torn: str


NOTE = FileFormat(
    kind="note of a converted file",
    number=2,
    schema=ConversionNote,
    remedy="Delete it: the file is converted again",
    unnumbered=1,
    migrations={1: unchanged},
)


def _convert_once(
    path: Path, target: Path, sample: Sample, sources: SampleSources, report: Callable[[str], None]
) -> None:
    """Convert unless the note beside the target still holds."""
    note_path = target.with_name(f"{target.name}.json")
    state, note = _state(path), _read_note(note_path)
    if note.get("state") == state and "sha256" in note and _source_of(target).get("sha256") == note["sha256"]:
        return
    started = time.monotonic()
    sha256 = _convert(path, target, sample, sources)
    if _state(path) != state:
        raise InputDataError(f"{path} has changed while it was read. Run again when it is written.")
    write_record(note_path, NOTE, {"state": state, "sha256": sha256})
    report(f"{path} ({state[0]:,} bytes) was converted to Parquet in {time.monotonic() - started:.1f} s")


def _convert(path: Path, target: Path, sample: Sample, sources: SampleSources) -> str:
    """Write the Parquet file and return the source's sha256."""
    name = path.relative_to(sources.root).as_posix()
    with HashedFile(path) as file, write_aside(target) as aside:
        content = open_decompressed(path, file)
        tables = _tables(path, content, sample, sources.kind)
        first = next(tables)
        with pq.ParquetWriter(aside, first.schema, use_dictionary=False, write_statistics=False) as writer:
            for table in chain([first], tables):
                writer.write_table(table, row_group_size=max(len(table), 1))
            source = {"name": name, "sha256": file.sha256()}
            writer.add_key_value_metadata({SOURCE_KEY: json.dumps(source)})
    return source["sha256"]


def _tables(path: Path, content: "io.BufferedReader[Any]", sample: Sample, kind: str) -> Iterator[pa.Table]:
    """Read a text file as tables of a row group each; as one without rows when it has none."""
    refuse_wide(path, content.peek(LOOKED_BYTES)[:LOOKED_BYTES])
    rows = (csv_rows if kind == CSV else json_rows)(path, content, sample)
    ids = IdColumn(path, sample.id_column, partial(_first_type, path, sample))
    undecodable = Undecodable(path, part_of_sample=True)
    group = None
    for group in gather(rows):
        texts = strings(group.texts)
        undecodable.add(texts)
        yield pa.table({sample.id_column: ids.to_arrow(group), sample.text_column: texts})
    undecodable.refuse_many()
    if group is None:
        yield pa.table({sample.id_column: strings([]), sample.text_column: strings([])})


def _first_type(path: Path, sample: Sample) -> type | None:
    """Return the type of a JSON Lines file's first id, None where all are null."""
    with HashedFile(path) as file:
        rows = json_rows(path, open_decompressed(path, file), sample)
        return next((type(id_) for _, id_, _ in rows if id_ is not None), None)


def _state(path: Path) -> list[int]:
    """Return what changes with a file's content: its size, and its time of change in nanoseconds."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _read_note(path: Path) -> dict[str, Any]:
    try:
        return read_record(path, NOTE)
    except (FileNotFoundError, ValueError):
        return {}


def _source_of(target: Path) -> dict[str, Any]:
    """Return what a converted file says of its source; nothing when it is not there, or not whole."""
    try:
        return dict(json.loads((pq.read_metadata(target).metadata or {})[SOURCE_KEY]))
    except (OSError, pa.ArrowInvalid, KeyError):
        return {}

"""A sample's files: listed in a fixed order, known by their Parquet footers."""

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.base.printable import on_one_line
from tasks.core.corpus.columns import check_columns, read_footer
from tasks.core.corpus.faults import TornFileError, parquet_errors_named
from tasks.core.corpus.sample.first_look import look_inside
from tasks.core.corpus.sample.id_types import id_type_of, one_id_type
from tasks.core.corpus.sample.sample_file import SampleFile
from tasks.core.corpus.sample.sources import PARQUET, SHOWN_FILES, SampleSources, find_sources
from tasks.core.corpus.sample.to_parquet import converted_file, converted_root, sweep_converted
from tasks.core.round.sections import Sample

__all__ = ["SampleFile", "SampleListing", "file_digest", "list_sample", "sample_root", "survey_sample"]

LOGGER = logging.getLogger("winnow.corpus")
SAID_PASSED_OVER = 20
"""The log names so many files and folders that are passed over."""
FOOTER_TAIL_BYTES = 8
"""A Parquet file ends with the footer's length (4 bytes, little endian) and `PAR1`."""


@dataclass(frozen=True)
class SampleListing:
    """The files of a sample, and those that were left out."""

    files: list[SampleFile]
    torn: dict[str, str]
    """Files that are not whole say what is wrong with each, by path; empty unless `on_torn_file` is skip."""
    passed_over: dict[str, str]
    """Files and folders below the sample's path that are no data say why they count as such, by path."""


def list_sample(sample: Sample) -> list[SampleFile]:
    """List a sample's files as `survey_sample` does, without those that it leaves out."""
    return survey_sample(sample).files


def survey_sample(sample: Sample, report: Callable[[str], None] = LOGGER.info) -> SampleListing:
    """List a sample's files by name, CSV and JSON Lines as the Parquet files that they are converted to.

    `report` is told of what is passed over, and of each file that was converted now: the first time, that takes seconds
    a million rows.

    Raises:
        InputDataError: no such path, files of several kinds, a file that is torn (unless these are skipped) or that
            cannot be converted, no rows, a missing column, an id column of floats, ids of several types, or none.
    """
    sources = find_sources(sample)
    _say_passed_over(sources.passed_over, report)
    if sources.kind != PARQUET:
        sweep_converted(sample, sources)
    files, torn = [], {}
    for number, path in enumerate(sources.paths, start=1):
        say = partial(_say, report, f"file {number} of {len(sources.paths)}")
        try:
            files.append(_describe(path, sample, sources, say))
        except TornFileError as error:
            if sample.on_torn_file == "refuse":
                raise
            torn[str(path)] = str(error)
    if not any(file.rows for file in files):
        skipped = f"; {len(torn)} more are torn and were skipped: {list(torn)[:SHOWN_FILES]}" if torn else ""
        raise InputDataError(f"the sample {sample.path} has {len(files)} files and no rows{skipped}")
    one_id_type(files, sample)
    if sources.kind == PARQUET:
        look_inside(files, sample)
    return SampleListing(files, torn, sources.passed_over)


def sample_root(sample: Sample) -> Path:
    """Return the folder that the names of a sample's Parquet files count from.

    Raises:
        InputDataError: no such path, or files of several kinds.
    """
    sources = find_sources(sample)
    return sources.root if sources.kind == PARQUET else converted_root(sample, sources)


def file_digest(path: Path) -> str:
    """Return the sha256 of a Parquet file's size and footer, which holds every column chunk's place and extremes."""
    with path.open("rb") as content:
        size = content.seek(0, os.SEEK_END)
        content.seek(max(size - FOOTER_TAIL_BYTES, 0))
        length = int.from_bytes(content.read(4), "little")
        content.seek(max(size - FOOTER_TAIL_BYTES - length, 0))
        return hashlib.sha256(content.read(length) + str(size).encode()).hexdigest()


def _say_passed_over(passed_over: dict[str, str], report: Callable[[str], None]) -> None:
    for path, reason in islice(passed_over.items(), SAID_PASSED_OVER):
        report(on_one_line(f"passed over: {path}: {reason}"))
    if len(passed_over) > SAID_PASSED_OVER:
        report(f"passed over: {len(passed_over) - SAID_PASSED_OVER} more; the plan of a run names them all")


def _say(report: Callable[[str], None], place: str, what: str) -> None:
    report(on_one_line(f"{place}: {what}"))


def _describe(path: Path, sample: Sample, sources: SampleSources, report: Callable[[str], None]) -> SampleFile:
    root = sources.root
    if sources.kind != PARQUET:
        path, root = converted_file(path, sample, sources, report), converted_root(sample, sources)
    schema, metadata = read_footer(path)
    if metadata.num_rows:
        check_columns(path, schema, {"id": sample.id_column, "text": sample.text_column})
    with parquet_errors_named(path):
        digest = file_digest(path)
    return SampleFile(
        path=str(path),
        name=path.relative_to(root).as_posix(),
        row_groups=tuple(metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)),
        digest=digest,
        id_type=str(id_type_of(schema, metadata, sample.id_column) or ""),
        changed_ns=path.stat().st_mtime_ns if sources.kind == PARQUET else 0,
    )

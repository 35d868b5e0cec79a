"""A look at the first rows of some of a sample's Parquet files, before a run is planned on their footers alone."""

from pathlib import Path

from tasks.core.corpus.encodings import FEW_ROWS, Undecodable
from tasks.core.corpus.faults import parquet_errors_named
from tasks.core.corpus.sample.reading import read_rows
from tasks.core.corpus.sample.sample_file import SampleFile
from tasks.core.round.sections import Sample

LOOKED_FILES = 16
"""So many files, spread over the sample: they mostly come from one writer, and a sample may have 200,000."""
LOOKED_ROWS = 1_000
LOOKED_SHARE = 0.1
"""Parquet's strings are UTF-8 but for a careless writer: more than so many of the first rows are another encoding."""


def look_inside(files: list[SampleFile], sample: Sample) -> None:
    """Read the first rows of some files.

    Raises:
        UnreadableFileError: one of them cannot be read here, is encrypted or damaged, or its codec is not known.
        InputDataError: ids are written as floats, or texts are not UTF-8.
    """
    filled = [file for file in files if file.rows]
    step = max(1, -(-len(filled) // LOOKED_FILES))
    for file in filled[::step]:
        with parquet_errors_named(Path(file.path)):
            rows = read_rows(file.path, 0, LOOKED_ROWS, sample.id_column, sample.text_column)
        if len(rows) >= FEW_ROWS:
            encoding = Undecodable(Path(file.path), LOOKED_SHARE)
            encoding.add(rows["text"])
            encoding.refuse_many()

"""The columns of labelled data and of samples, with their values: what a guess at their meaning goes by."""

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import FLOAT_NOTATION
from tasks.core.corpus.faults import parquet_errors_named
from tasks.core.corpus.labelled.delimited import data_suffix
from tasks.core.corpus.labelled.role_columns import column_names, is_text, read_columns
from tasks.core.corpus.labelled.targets import NUMBER, TRUTH_VALUES
from tasks.core.corpus.logical_types import is_blank, spell
from tasks.core.corpus.sample.first_rows import LOOKED_ROWS, sample_column_names
from tasks.core.corpus.sample.source_bytes import HashedFile, open_decompressed
from tasks.core.corpus.sample.sources import CSV, PARQUET, find_sources
from tasks.core.corpus.sample.text_lines import read_lines
from tasks.core.round.sections import LabelledData, Sample

FLOATS = re.compile(FLOAT_NOTATION)
FORMS = tuple(product((None, ";", "\t", "|", ","), (None, True)))
"""Delimiter and quoting of a labelled file are tried in this order; null is what its suffix stands for."""


@dataclass(frozen=True)
class Column:
    """A column of a data file."""

    name: str
    values: list[Any]
    """Values that are not blank, in the order of the rows."""
    rows: int

    @cached_property
    def distinct(self) -> list[Any]:
        """Each value once, in the order in which they come; lists are not told apart."""
        return list(dict.fromkeys(value for value in self.values if not isinstance(value, list)))

    @cached_property
    def numbers(self) -> list[float] | None:
        """The distinct values as numbers, truth values as 1 and 0; None where one is none."""
        spelled = [spell(value) for value in self.distinct]
        if not spelled or not all(word in TRUTH_VALUES or NUMBER.fullmatch(word) for word in spelled):
            return None
        return [TRUTH_VALUES[word] if word in TRUTH_VALUES else float(word) for word in spelled]

    @property
    def is_float(self) -> bool:
        """Whether a value is a float, or is written as one."""
        return any(isinstance(value, float) or FLOATS.match(str(value)) for value in self.distinct)

    @property
    def mean_length(self) -> float:
        """Characters of a value, on average; 0 where they are no strings."""
        texts = [value for value in self.values if isinstance(value, str)]
        return sum(map(len, texts)) / len(texts) if texts and len(texts) == len(self.values) else 0.0


@dataclass(frozen=True)
class DataColumns:
    """What was read of a file, and how."""

    path: Path
    columns: dict[str, Column]
    rows: int
    delimiter: str | None = None
    quoting: bool | None = None


def read_labelled(path: Path) -> DataColumns:
    """Read a labelled file whole, by the first delimiter and quoting that make columns of it.

    Raises:
        InputDataError: it cannot be read so.
    """
    if not path.exists():
        raise InputDataError(f"there is no labelled data at {path}; correct --data")
    if not path.is_file():
        raise InputDataError(
            f"{path} is no file. Labelled data in a folder has other layouts: copy deployments/rounds/us-iter0.yaml, "
            "and see labelled_data.layout in deployments/rounds/REFERENCE.md"
        )
    data, names = _form(path)
    quoting = data_suffix(path) == ".csv" if data.quoting is None else data.quoting
    table = read_columns(path, data.model_copy(update={"quoting": quoting}), {f"where {name}": name for name in names})
    columns = {name: table[f"where {name}"].to_pylist() for name in names}
    return _gathered(path, columns, data.delimiter, data.quoting)


def _form(path: Path) -> tuple[LabelledData, list[str]]:
    """Return how a file is read, and its columns; a header of one column may be parted otherwise."""
    refusal = None
    for delimiter, quoting in FORMS if is_text(path) else FORMS[:1]:
        data = LabelledData(path=path, delimiter=delimiter, quoting=quoting)
        try:
            names = column_names(path, data)
        except InputDataError as error:
            refusal = refusal or error
            continue
        if len(names) > 1 or delimiter is None:
            return data, names
    raise refusal or InputDataError(f"{path} has no columns")


def read_sample(path: Path) -> DataColumns:
    """Read the first rows of a sample's first file that has any.

    Raises:
        InputDataError: there is no such file, or it cannot be read.
    """
    sources = find_sources(Sample(path=path))
    for file in sources.paths:
        names = sample_column_names(file, sources.kind)
        rows = [*_first_rows(file, sources.kind, names)] if names else []
        if rows:
            return _gathered(path, {name: [row.get(name) for row in rows] for name in names})
    raise InputDataError(f"the sample {path} has no rows")


def _first_rows(path: Path, kind: str, names: list[str]) -> Iterable[dict[str, Any]]:
    if kind == PARQUET:
        with parquet_errors_named(path), pq.ParquetFile(path) as file:
            batch = next(file.iter_batches(LOOKED_ROWS), None)
            return [] if batch is None else list(batch.to_pylist())
    with HashedFile(path) as file:
        lines = (line.decode("utf-8", "replace") for line in read_lines(path, open_decompressed(path, file)))
        if kind == CSV:
            return [dict(zip(names, row, strict=False)) for row in islice(csv.reader(lines), 1, LOOKED_ROWS + 1) if row]
        return [json.loads(line) for line in islice(lines, LOOKED_ROWS) if line.strip()]


def _gathered(
    path: Path, columns: dict[str, list[Any]], delimiter: str | None = None, quoting: bool | None = None
) -> DataColumns:
    rows = max(map(len, columns.values()), default=0)
    found = {
        name: Column(name, [value for value in values if isinstance(value, list) or not is_blank(value)], rows)
        for name, values in columns.items()
    }
    return DataColumns(path, found, rows, delimiter, quoting)

"""Rows of a sample's CSV files, with their lines for errors."""

import csv
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import check_columns
from tasks.core.corpus.sample.text_lines import LINE_BYTES, Row, read_lines
from tasks.core.round.sections import Sample

OTHER_DELIMITERS = (";", "\t", "|")


def csv_header(path: Path, content: BufferedReader) -> list[str]:
    """Return the names of the columns; none where all lines are blank.

    Raises:
        InputDataError: the header cannot be read, or its fields are not parted by commas.
    """
    reader = _reader(path, content)
    try:
        return _header(path, reader)
    except csv.Error as error:
        raise InputDataError(f"the header of {path} is not CSV: {error}. Correct the file.") from None


def csv_rows(path: Path, content: BufferedReader, sample: Sample) -> Iterator[Row]:
    """Read rows of comma-separated values under a header; ids are bytes. A file of blank lines alone has none.

    Raises:
        InputDataError: a missing column, a row with another number of fields, or a quote that is not closed.
    """
    reader = _reader(path, content)
    try:
        header = _header(path, reader)
        if not header and not any(reader):
            return
        id_at, text_at = _positions(path, header, sample)
        for fields in reader:
            if len(fields) == len(header):
                yield reader.line_num, fields[id_at].encode("latin-1"), fields[text_at].encode("latin-1")
            elif fields:
                raise InputDataError(
                    f"the row of {path} that ends on line {reader.line_num} has {len(fields)} fields, but the header "
                    f"has {len(header)}. Correct it: a field with a comma or a line break stands in double quotes."
                )
    except csv.Error as error:
        raise InputDataError(
            f"{path} is not CSV by line {reader.line_num}: {error}. A field in double quotes ends with one, and holds "
            'them doubled ("") only; one that is not closed would swallow rows. Correct the file.'
        ) from None


def _reader(path: Path, content: BufferedReader) -> Any:
    csv.field_size_limit(LINE_BYTES)
    return csv.reader((line.decode("latin-1") for line in read_lines(path, content)), strict=True)


def _header(path: Path, reader: Iterator[list[str]]) -> list[str]:
    header = [name.encode("latin-1").decode("utf-8", "replace") for name in next(reader, [])]
    other = next((one for one in OTHER_DELIMITERS if len(header) == 1 and one in header[0]), None)
    if other is not None:
        raise InputDataError(
            f"the header of {path} is one column, {header[0]!r}, when read with commas, but it holds {other!r}. The "
            f"fields of a sample's CSV are parted by commas. Write it again:\n"
            f'  python -c "import csv, sys; csv.writer(sys.stdout).writerows(csv.reader(sys.stdin, '
            f'delimiter={other!r}))" < {path.name} > NEW.csv'
        )
    return header


def _positions(path: Path, header: list[str], sample: Sample) -> tuple[int, int]:
    if not header:
        raise InputDataError(f"{path} has no header; its first line must name the columns. Write it again.")
    schema = pa.schema([(name, pa.string()) for name in header])
    check_columns(path, schema, {"id": sample.id_column, "text": sample.text_column})
    return header.index(sample.id_column), header.index(sample.text_column)

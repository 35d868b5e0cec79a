"""Rows of a sample's CSV files, with their lines for errors."""

import csv
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import check_columns
from tasks.core.corpus.sample.text_lines import LINE_BYTES, Row, read_lines
from tasks.core.round.sections import Sample


def csv_rows(path: Path, content: BufferedReader, sample: Sample) -> Iterator[Row]:
    """Read rows of comma-separated values under a header; ids are bytes. A file of blank lines alone has none.

    Raises:
        InputDataError: a missing column, a row with another number of fields, or a quote that is not closed.
    """
    csv.field_size_limit(LINE_BYTES)
    reader = csv.reader((line.decode("latin-1") for line in read_lines(path, content)), strict=True)
    try:
        header = [name.encode("latin-1").decode("utf-8", "replace") for name in next(reader, [])]
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


def _positions(path: Path, header: list[str], sample: Sample) -> tuple[int, int]:
    if not header:
        raise InputDataError(f"{path} has no header; its first line must name the columns. Write it again.")
    schema = pa.schema([(name, pa.string()) for name in header])
    check_columns(path, schema, {"id": sample.id_column, "text": sample.text_column})
    return header.index(sample.id_column), header.index(sample.text_column)

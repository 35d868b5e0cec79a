"""Parquet files, read by their path as it stands, and what each of Winnow's own says of itself in its footer.

pyarrow's `read_table` takes a folder called `year=2026` for a column, and DuckDB's `read_parquet` takes brackets for a
pattern. Paths are the user's: here they are names and nothing else.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

PARQUET_SUFFIXES = (".parquet", ".pq")
STAMP_KEY = b"winnow"


class UnreadableParquetError(Exception):
    """A file that is no whole Parquet file."""


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one file, or some of its columns.

    Raises:
        OSError: there is no such file, or it cannot be read.
        pyarrow.ArrowException: it is no whole Parquet file.
    """
    with pq.ParquetFile(path) as file:
        return file.read(columns=None if columns is None else list(columns))


def stamp(table: pa.Table, content: dict[str, Any]) -> pa.Table:
    """Return the table with `content` as what its file will say of itself; other metadata is dropped."""
    return table.replace_schema_metadata({STAMP_KEY: json.dumps(content, sort_keys=True).encode()})


def read_footer(path: Path) -> tuple[pq.FileMetaData, dict[str, Any]]:
    """Return a file's footer and the stamp in it, empty where there is none.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableParquetError: it is no whole Parquet file.
    """
    try:
        footer = pq.read_metadata(path)
        found = json.loads((footer.metadata or {}).get(STAMP_KEY, b"{}"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UnreadableParquetError(str(error)) from None
    return footer, found if isinstance(found, dict) else {}

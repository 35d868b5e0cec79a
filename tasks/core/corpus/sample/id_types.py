"""The one type of a sample's ids. A file without an id, whose rows are all quarantined, says nothing of it."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import read_footer
from tasks.core.corpus.logical_types import id_type
from tasks.core.corpus.sample.sample_file import SampleFile
from tasks.core.round.sections import Sample


def id_type_of(schema: pa.Schema, metadata: pq.FileMetaData, column: str) -> pa.DataType | None:
    """Return the type of a file's ids, None where it has no rows, or a column of nulls without a type."""
    if not metadata.num_rows or pa.types.is_null(schema.field(column).type):
        return None
    return id_type(schema.field(column).type)


def one_id_type(files: list[SampleFile], sample: Sample) -> pa.DataType:
    """Return the type of all ids of a sample.

    Raises:
        InputDataError: there are several, or no file has an id.
    """
    types = {file.id_type: file.path for file in files if file.id_type}
    if len(types) > 1:
        examples = ", ".join(f"{type_} in {path}" for type_, path in types.items())
        raise InputDataError(
            f"the id column '{sample.id_column}' has several types: {examples}. Write all files alike."
        )
    if not types:
        raise InputDataError(
            f"every id of the sample {sample.path} is null: its {len(files)} files have none in the column "
            f"'{sample.id_column}'. Write the ids, as integers or strings, or correct id_column in the round file."
        )
    return pa.type_for_alias(next(iter(types)))


def first_id_type(paths: Iterable[Path], column: str) -> pa.DataType | None:
    """Return the type of the ids of the first of some Parquet files that has any; None where none has."""
    footers = (read_footer(path) for path in paths)
    types = (id_type_of(*footer, column) for footer in footers if footer[1].num_rows)
    return next((type_ for type_ in types if type_ is not None), None)

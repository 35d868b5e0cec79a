"""The texts of ranked rows, and other columns of the sample: read for these rows only.

First the sample's ids are looked through, then what was asked for is read from the row groups that hold a row.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import READ_BYTES
from tasks.core.corpus.faults import parquet_errors_named
from tasks.core.corpus.logical_types import plain
from tasks.core.corpus.sample.listing import SampleFile, list_sample
from tasks.core.corpus.sample.reading import decode_texts
from tasks.core.ranking.scan import side_by_side
from tasks.core.round.sections import Sample
from tasks.core.runs.parts import ID_COLUMN

TEXT = "text"
PLACE = "place"
BATCH_ROWS = 65_536
LOOKED_UP_ROWS = 1_000_000
"""So many rows are looked up at once, for each time all ids that are asked for are hashed anew."""
SHOWN_IDS = 3


def with_texts(table: pa.Table, sample: Sample, columns: Sequence[str] = ()) -> pa.Table:
    """Return ranked rows with the column `text`, and others of the sample under their own names.

    Of several rows of the sample with one id, the first that has a text gives it.

    Raises:
        InputDataError: the sample has no such column, or lacks an id.
    """
    taken = [name for name in columns if name in (*table.column_names, TEXT)]
    if taken:
        raise InputDataError(f"the columns {taken} of {sample.path} cannot be added: the rows have columns so called.")
    found = _found(pc.unique(table[ID_COLUMN].combine_chunks()), sample, tuple(columns))
    at = pc.index_in(table[ID_COLUMN].combine_chunks(), value_set=found[ID_COLUMN].combine_chunks())
    _require_all(table, at, sample)
    for name in (TEXT, *columns):
        table = table.append_column(name, found[name].take(at))
    return table


def texts_of(ids: pa.Array, sample: Sample) -> pa.Table:
    """Return id and text of the sample's rows that have one of these ids; ids that the sample lacks are left out."""
    return _found(pc.unique(ids), sample, ()).select([ID_COLUMN, TEXT])


def _found(ids: pa.Array, sample: Sample, columns: tuple[str, ...]) -> pa.Table:
    """Return the first row of the sample with each of the ids that has a text."""
    files = [file for file in list_sample(sample) if file.rows]
    found = pa.concat_tables(
        list(side_by_side(partial(_find, ids, sample, columns), files)), promote_options="permissive"
    )
    return found.take(pa.array(np.unique(found[PLACE].to_numpy(), return_index=True)[1]))


def _require_all(table: pa.Table, at: pa.Array, sample: Sample) -> None:
    if at.null_count:
        lacking = table[ID_COLUMN].filter(pc.is_null(at)).slice(0, SHOWN_IDS).to_pylist()
        raise InputDataError(
            f"{at.null_count} of {table.num_rows} ranked rows are not in {sample.path}, such as {lacking}: the sample "
            "was changed since the run, or is another. Name the sample that the run was made of."
        )


def _find(ids: pa.Array, sample: Sample, columns: tuple[str, ...], file: SampleFile) -> pa.Table:
    """Return a file's rows that have one of the ids and a text."""
    path = Path(file.path)
    with (
        parquet_errors_named(path),
        pq.ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False) as opened,
    ):
        lacking = [name for name in columns if name not in opened.schema_arrow.names]
        if lacking:
            raise InputDataError(f"{path} has no columns {lacking}. It has {opened.schema_arrow.names}.")
        names = [sample.text_column, *columns]
        places = _places(opened, sample.id_column, ids)
        found = _read_found(opened, ids, places, names)
        none = [plain(pa.nulls(0, opened.schema_arrow.field(name).type)) for name in names]
        return pa.concat_tables([_rows(ids.slice(0, 0), pa.array([], pa.int64()), none, names), *found])


def _places(file: pq.ParquetFile, id_column: str, ids: pa.Array) -> pa.ChunkedArray:
    """Return the place of each row's id among those asked for, or null; many rows are looked up at a time."""
    found: list[pa.Array] = []
    held: list[pa.Array] = []
    for batch in file.iter_batches(BATCH_ROWS, columns=[id_column]):
        held.append(plain(batch.column(0)).cast(ids.type))
        if sum(map(len, held)) >= LOOKED_UP_ROWS:
            found += pc.index_in(pa.chunked_array(held), value_set=ids).chunks
            held = []
    found += pc.index_in(pa.chunked_array(held, ids.type), value_set=ids).chunks
    return pa.chunked_array(found, pa.int32())


def _read_found(file: pq.ParquetFile, ids: pa.Array, places: pa.ChunkedArray, names: list[str]) -> Iterator[pa.Table]:
    """Yield the rows that were found, from the row groups that have any."""
    first = 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        inside = places.slice(first, rows)
        first += rows
        if inside.null_count == rows:
            continue
        for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=names):
            own, inside = inside.slice(0, len(batch)).combine_chunks(), inside.slice(len(batch))
            at = pc.indices_nonzero(pc.is_valid(own))
            taken = own.take(at)
            columns = [plain(batch.column(name)).take(at) for name in names]
            yield _rows(ids.take(taken), taken.cast(pa.int64()), columns, names)


def _rows(ids: pa.Array, places: pa.Array, columns: list[pa.Array], names: list[str]) -> pa.Table:
    """Return rows with their ids, the place of each among those asked for, and their text; without one, they go."""
    texts = pa.array(decode_texts(pa.chunked_array([columns[0]])), pa.string())
    table = pa.table({ID_COLUMN: ids, PLACE: places, TEXT: texts, **dict(zip(names[1:], columns[1:], strict=True))})
    return table.filter(pc.is_valid(table[TEXT]))

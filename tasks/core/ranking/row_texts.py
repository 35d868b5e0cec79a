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
    files = [file for file in list_sample(sample) if file.rows]
    find = partial(_find, pc.unique(table[ID_COLUMN].combine_chunks()), sample, tuple(columns))
    found = pa.concat_tables(list(side_by_side(find, files)), promote_options="permissive")
    first = np.unique(found[PLACE].to_numpy(), return_index=True)[1]
    found = found.take(pa.array(first))
    at = pc.index_in(table[ID_COLUMN].combine_chunks(), value_set=found[ID_COLUMN].combine_chunks())
    _require_all(table, at, sample)
    for name in (TEXT, *columns):
        table = table.append_column(name, found[name].take(at))
    return table


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
        groups = range(opened.num_row_groups)
        found = [table for group in groups for table in _in_group(opened, group, sample.id_column, ids, names)]
        empty = _rows(ids.slice(0, 0), pa.array([], pa.int64()), opened.schema_arrow.empty_table(), names)
        return pa.concat_tables([empty, *found])


def _in_group(file: pq.ParquetFile, group: int, id_column: str, ids: pa.Array, names: list[str]) -> Iterator[pa.Table]:
    """Yield the rows of a row group that have one of the ids; only where there are any, more than ids is read."""
    of_rows = [
        pc.index_in(plain(batch.column(0)).cast(ids.type), value_set=ids)
        for batch in _batches(file, group, [id_column])
    ]
    if all(place.null_count == len(place) for place in of_rows):
        return
    for place, batch in zip(of_rows, _batches(file, group, names), strict=True):
        at = pc.indices_nonzero(pc.is_valid(place))
        if len(at):
            places = place.take(at)
            yield _rows(ids.take(places), places.cast(pa.int64()), pa.table(batch).take(at), names)


def _batches(file: pq.ParquetFile, group: int, names: list[str]) -> Iterator[pa.RecordBatch]:
    yield from file.iter_batches(BATCH_ROWS, row_groups=[group], columns=names)


def _rows(ids: pa.Array, places: pa.Array, rows: pa.Table, names: list[str]) -> pa.Table:
    """Return rows with their ids, the place of each among those asked for, and their text; without one, they go."""
    texts = decode_texts(plain(rows[names[0]]))
    columns = {name: plain(rows[name]) for name in names[1:]}
    table = pa.table({ID_COLUMN: ids, PLACE: places, TEXT: pa.array(texts, pa.string()), **columns})
    return table.filter(pc.is_valid(table[TEXT]))

"""Read one labelled file as rows: ids, texts, splits and targets, each checked for what it may hold."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import check_id_strings, check_id_type, check_text_type
from tasks.core.corpus.encodings import Undecodable
from tasks.core.corpus.faults import parquet_errors_named
from tasks.core.corpus.labelled.classes import count_blank_words, count_classes, read_classes
from tasks.core.corpus.labelled.layouts import Source
from tasks.core.corpus.labelled.role_columns import is_text, read_columns
from tasks.core.corpus.labelled.rows import LabelledRows, Ledger, StudyRequest, concatenate, is_none, objects
from tasks.core.corpus.labelled.splits import SPLIT_NAMES
from tasks.core.corpus.labelled.targets import read_targets, refuse_values, require_values, strings_of
from tasks.core.corpus.logical_types import CANONICAL_INTEGER, INT64_LIMIT, is_blank, is_string, is_value, spell
from tasks.core.corpus.sample.reading import decode_texts
from tasks.core.round.sections import LabelledData

OUTSIDE_WHERE = "other rows (labelled_data.where)"


def read_sources(sources: list[Source], data: LabelledData, request: StudyRequest, ledger: Ledger) -> LabelledRows:
    """Read all files of a study; rows outside `where` are counted and left out.

    Raises:
        InputDataError: what cannot be read or may not stand there, or no row is left.
    """
    parts = [_read_source(number, source, data, request, ledger) for number, source in enumerate(sources)]
    rows = concatenate(parts)
    if not len(rows):
        raise InputDataError(
            f"{data.path} has {ledger.read} rows and none with labelled_data.where {data.where}. Correct the values, "
            "which are compared as strings, or the path."
        )
    return rows


def _read_source(
    number: int, source: Source, data: LabelledData, request: StudyRequest, ledger: Ledger
) -> LabelledRows:
    table = read_columns(source.path, data, _wanted(source, data, request))
    ids = _read_ids(source, data, table)
    chosen = _chosen_rows(table, data)
    ledger.read += table.num_rows
    ledger.count(OUTSIDE_WHERE, int((~chosen).sum()))
    check_text_type(source.path, data.text_column, table["text"].type)
    with parquet_errors_named(source.path):
        table = table.filter(pa.array(chosen))
    texts = objects(decode_texts(table["text"]))
    encoding = Undecodable(source.path)
    encoding.add(table["text"])
    encoding.refuse_many()
    return LabelledRows(
        ids=ids[chosen],
        texts=texts,
        undecodable=is_none(texts) & pc.is_valid(table["text"]).to_numpy(),
        splits=_read_splits(source, data, table),
        targets=_read_labels(source, data, request, table, ledger),
        sources=np.full(table.num_rows, number, dtype=np.int64),
    )


def _wanted(source: Source, data: LabelledData, request: StudyRequest) -> dict[str, str]:
    wanted = {"id": data.id_column, "text": data.text_column, "split": data.split_column, "label": data.label_column}
    if data.label_column is None:
        wanted |= {f"label {label}": column for label, column in _labels_of(source, request).items()}
    wanted |= {f"where {column}": column for column in data.where}
    return {role: column for role, column in wanted.items() if column is not None}


def _labels_of(source: Source, request: StudyRequest) -> Mapping[str, str]:
    return request.labels if source.label is None else {source.label: request.labels[source.label]}


def _chosen_rows(table: pa.Table, data: LabelledData) -> NDArray[np.bool_]:
    chosen = np.ones(table.num_rows, dtype=bool)
    for column, value in data.where.items():
        compared = table[f"where {column}"]
        if not is_value(compared.type):
            raise InputDataError(
                f"labelled_data.where names the column '{column}' of {data.path}, which cannot be compared: its type "
                f"is {compared.type}. Name a column of strings or numbers."
            )
        given = strings_of(compared, f"the column '{column}' of labelled_data.where", data.path)
        equal = {one: one is not None and spell(one) == spell(value) for one in set(given)}
        chosen &= np.array([equal[one] for one in given], dtype=bool)
    return chosen


def _read_ids(source: Source, data: LabelledData, table: pa.Table) -> NDArray[np.object_]:
    if data.id_column is None:
        return objects([f"{source.stem}-{row}" for row in range(1, table.num_rows + 1)])
    column = table["id"]
    check_id_type(source.path, data.id_column, column.type, lambda: column)
    if not is_string(column.type):
        return objects(column.to_pylist())
    ids = strings_of(column, f"the id column '{data.id_column}'", source.path)
    check_id_strings(source.path, data.id_column, column)
    ids = [None if is_blank(id_) else id_ for id_ in ids]
    return objects(_as_integers(ids) if is_text(source.path) else ids)


def _as_integers(ids: list[str | None]) -> Sequence[str | int | None]:
    """Return integers when every id is one that comes back the same when it is written again."""
    numbers = []
    for id_ in ids:
        if id_ is not None and not CANONICAL_INTEGER.fullmatch(id_):
            return ids
        numbers.append(None if id_ is None else int(id_))
    fits = all(number is None or -INT64_LIMIT <= number < INT64_LIMIT for number in numbers)
    return numbers if fits else ids


def _read_splits(source: Source, data: LabelledData, table: pa.Table) -> NDArray[np.object_]:
    if data.split_column is None:
        return np.full(table.num_rows, source.split or "train", dtype=object)
    what = f"the split column '{data.split_column}'"
    require_values(table["split"], what, source.path)
    given = strings_of(table["split"], what, source.path)
    names = {value: SPLIT_NAMES.get(str(value).strip().lower()) for value in set(given) if not is_blank(value)}
    unknown = sorted((value for value, split in names.items() if split is None), key=str)
    if unknown:
        refuse_values(what, source.path, unknown, f"{', '.join(SPLIT_NAMES)} and blank")
    return objects([names.get(value) for value in given])


def _read_labels(
    source: Source, data: LabelledData, request: StudyRequest, table: pa.Table, ledger: Ledger
) -> NDArray[np.float64]:
    if data.label_column is not None:
        values = list(request.labels.values())
        targets = read_classes(table["label"], source.path, data, values)
        ledger.classes += count_classes(table["label"], data, values)
        ledger.blank_words += count_blank_words(table["label"], data, values)
        return targets
    targets = np.full((table.num_rows, len(request.labels)), np.nan)
    for place, label in enumerate(request.labels):
        if label in _labels_of(source, request):
            what = f"the column '{request.labels[label]}' of label '{label}'"
            targets[:, place] = read_targets(table[f"label {label}"], what, source.path, data)
    return targets

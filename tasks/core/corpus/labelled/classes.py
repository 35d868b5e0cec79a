"""Targets from one label column: a class a row, a list of members, or a list of numbers aligned with label_names."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import is_string
from tasks.core.corpus.labelled.targets import as_targets, is_blank, refuse_values, strings_of
from tasks.core.round.sections import LabelledData

WHOLE_NUMBER = re.compile(r"-?\d+(\.0*)?", re.ASCII)


def read_classes(column: pa.ChunkedArray, path: Path, data: LabelledData, values: list[str]) -> NDArray[np.float64]:
    """Return a column of targets for each of `values`, NaN where blank.

    Raises:
        InputDataError: a type, a class or a list that does not fit `label_names`.
    """
    what = f"the label column '{data.label_column}'"
    unknown = [value for value in values if data.label_names is not None and value not in data.label_names]
    if unknown:
        raise InputDataError(
            f"the round's labels have the values {unknown}, which are not in labelled_data.label_names: "
            f"{list(data.label_names or ())}. Correct one of them."
        )
    if not _is_list(column.type):
        _refuse_soft(data, what, path, "one class a row")
        return _one_a_row(column, what, path, data, values)
    if _holds_strings(column.type.value_type):
        _refuse_soft(data, what, path, "names of classes")
        return _members(column, what, path, data, values)
    return _aligned(column, what, path, data, values)


def count_classes(column: pa.ChunkedArray, data: LabelledData) -> Counter[str]:
    """Count the rows of each class in a column that `read_classes` has read; lists of numbers name none."""
    if not _is_list(column.type):
        given = Counter(value for value in column.to_pylist() if not is_blank(value))
    elif _holds_strings(column.type.value_type):
        given = Counter(member for row in column.to_pylist() for member in _stripped(row))
    else:
        return Counter()
    classes: Counter[str] = Counter()
    for value, rows in given.items():
        classes[str(_class_name(value, data.label_names))] += rows
    return classes


def _refuse_soft(data: LabelledData, what: str, path: Path, found: str) -> None:
    if data.targets == "soft":
        raise InputDataError(
            f"labelled_data.targets is soft, but {what} of {path} holds {found}. Set it to hard, or name a column with "
            "lists of shares."
        )


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def _holds_strings(type_: pa.DataType) -> bool:
    return is_string(type_.value_type if pa.types.is_dictionary(type_) else type_)


def _one_a_row(
    column: pa.ChunkedArray, what: str, path: Path, data: LabelledData, values: list[str]
) -> NDArray[np.float64]:
    given = strings_of(column, what, path)
    names = {value: _class_name(value, data.label_names) for value in set(given) if not is_blank(value)}
    unknown = sorted((value for value, name in names.items() if name is None), key=str)
    if unknown:
        names_allowed = (
            f"numbers from 0 to {len(data.label_names) - 1}, {list(data.label_names)}" if data.label_names else ""
        )
        refuse_values(what, path, unknown, f"{names_allowed or 'strings, whole numbers'} and blank")
    _refuse_misspelt(set(names.values()), what, path, data, values)
    blank = np.array([is_blank(value) for value in given], dtype=bool)
    rows = np.array([[names.get(value) == wanted for wanted in values] for value in given], dtype=np.float64)
    rows = rows.reshape(len(given), len(values))
    rows[blank] = np.nan
    return rows


def _refuse_misspelt(found: Iterable[Any], what: str, path: Path, data: LabelledData, values: list[str]) -> None:
    """Refuse values that are one of the round's but for case; `label_names` says itself which there are."""
    alike = {value.strip().casefold() for value in values}
    misspelt = sorted(name for name in found if name not in values and name.casefold() in alike)
    if misspelt and data.label_names is None:
        expected = (
            f"the round's values {values}, in the same case, and other classes. Correct the data or the round file"
        )
        refuse_values(what, path, misspelt, expected)


def _class_name(value: Any, names: tuple[str, ...] | None) -> str | None:
    """Return the class that a value of the column means; None: it means none."""
    value = value.strip() if isinstance(value, str) else value
    if isinstance(value, str) and (names is None or value in names):
        return value
    number = _whole_number(value)
    if number is None or names is None:
        return str(number) if number is not None else None
    return names[number] if 0 <= number < len(names) else None


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value.split(".")[0]) if WHOLE_NUMBER.fullmatch(value) else None
    return int(value) if isinstance(value, int | float) and float(value).is_integer() else None


def _members(
    column: pa.ChunkedArray, what: str, path: Path, data: LabelledData, values: list[str]
) -> NDArray[np.float64]:
    given = [None if row is None else _stripped(row) for row in column.to_pylist()]
    members = {member for row in given if row is not None for member in row}
    unknown = [member for member in members if member is None or (data.label_names and member not in data.label_names)]
    if unknown:
        refuse_values(what, path, sorted(unknown, key=str), f"lists of strings, of {data.label_names or 'any'}")
    _refuse_misspelt(members, what, path, data, values)
    blank = [np.nan] * len(values)
    rows = [blank if row is None else [float(value in row) for value in values] for row in given]
    return np.array(rows, dtype=np.float64).reshape(len(given), len(values))


def _stripped(row: list[str | None] | None) -> set[str | None]:
    return {member if member is None else member.strip() for member in row or ()}


def _aligned(
    column: pa.ChunkedArray, what: str, path: Path, data: LabelledData, values: list[str]
) -> NDArray[np.float64]:
    names = data.label_names
    if names is None:
        raise InputDataError(f"{what} of {path} holds lists of numbers; name their places in labelled_data.label_names")
    lengths = np.array([length for length in pc.list_value_length(column).to_pylist() if length is not None])
    wrong = lengths[lengths != len(names)]
    if len(wrong):
        raise InputDataError(
            f"{len(wrong)} of {len(column)} lists in {what} of {path} have another length than "
            f"labelled_data.label_names, which names {len(names)} places: {sorted(set(wrong.tolist()))}. Correct "
            "label_names: each place in a list needs its name."
        )
    try:
        flat = pc.list_flatten(column).cast(pa.float64()).to_numpy()
    except pa.ArrowException:
        raise InputDataError(f"{what} of {path} has type {column.type}; lists must hold numbers or strings") from None
    rows = np.full((len(column), len(names)), np.nan)
    rows[pc.is_valid(column).to_numpy()] = flat.reshape(-1, len(names))
    return as_targets(rows[:, [names.index(value) for value in values]], what, path, data)

"""Targets from one label column: a class a row, a list of members, or a list of numbers aligned with label_names."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.targets import as_targets, refuse_values, require_values, strings_of
from tasks.core.corpus.logical_types import CANONICAL_INTEGER, is_blank, is_list, is_number, is_string, spell
from tasks.core.round.sections import LabelledData

TRUTH_NUMBERS = {"False": 0, "True": 1}


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
    if not is_list(column.type):
        require_values(column, what, path)
        _refuse_soft(data, what, path, "one class a row")
        return _one_a_row(column, what, path, data, values)
    if _holds_strings(column.type.value_type):
        _refuse_soft(data, what, path, "names of classes")
        return _members(column, what, path, data, values)
    return _aligned(column, what, path, data, values)


def count_classes(column: pa.ChunkedArray, data: LabelledData, values: list[str]) -> Counter[str]:
    """Count the rows of each class in a column that `read_classes` has read; lists of numbers name none."""
    if not is_list(column.type):
        given = Counter(value for value in column.to_pylist() if not _is_no_class(value, data, values))
    elif _holds_strings(column.type.value_type):
        given = Counter(member for row in column.to_pylist() for member in _stripped(row))
    else:
        return Counter()
    classes: Counter[str] = Counter()
    for value, rows in given.items():
        classes[str(_class_name(value, data.label_names))] += rows
    return classes


def count_blank_words(column: pa.ChunkedArray, data: LabelledData, values: list[str]) -> Counter[str]:
    """Count the rows of each word that stands for no class, such as `NULL`."""
    if not is_string(column.type):
        return Counter()
    given = Counter(value for value in column.to_pylist() if _is_no_class(value, data, values))
    return Counter({word: rows for word, rows in given.items() if word is not None and word.strip()})


def _refuse_soft(data: LabelledData, what: str, path: Path, found: str) -> None:
    if data.targets == "soft":
        raise InputDataError(
            f"labelled_data.targets is soft, but {what} of {path} holds {found}. Set it to hard, or name a column with "
            "lists of shares."
        )


def _holds_strings(type_: pa.DataType) -> bool:
    return is_string(type_) or pa.types.is_null(type_)


def _is_no_class(value: Any, data: LabelledData, values: list[str]) -> bool:
    """Say whether a value is blank; a word for null is a class where the round names it as one."""
    if not is_blank(value) or not isinstance(value, str):
        return is_blank(value)
    named = {name.strip().casefold() for name in (*values, *(data.label_names or ()))}
    return value.strip().casefold() not in named


def _one_a_row(
    column: pa.ChunkedArray, what: str, path: Path, data: LabelledData, values: list[str]
) -> NDArray[np.float64]:
    given = strings_of(column, what, path)
    blanks = {value: _is_no_class(value, data, values) for value in set(given)}
    names = {value: _class_name(value, data.label_names) for value, blank in blanks.items() if not blank}
    unknown = sorted((value for value, name in names.items() if name is None), key=str)
    if unknown:
        names_allowed = (
            f"numbers from 0 to {len(data.label_names) - 1}, {list(data.label_names)}" if data.label_names else ""
        )
        refuse_values(what, path, unknown, f"{names_allowed or 'strings, whole numbers'} and blank")
    _refuse_misspelt(set(names.values()), what, path, data, values)
    wanted = values if data.label_names else [spell(value) for value in values]
    rows = np.array([[names.get(value) == name for name in wanted] for value in given], dtype=np.float64)
    rows = rows.reshape(len(given), len(values))
    rows[np.array([blanks[value] for value in given], dtype=bool)] = np.nan
    return rows


def _refuse_misspelt(found: Iterable[Any], what: str, path: Path, data: LabelledData, values: list[str]) -> None:
    """Refuse values that are one of the round's but for case; `label_names` says itself which there are."""
    alike = {value.strip().casefold() for value in values}
    known = {*values, *map(spell, values)}
    misspelt = sorted(name for name in found if name not in known and name.casefold() in alike)
    if misspelt and data.label_names is None:
        expected = (
            f"the round's values {values}, in the same case, and other classes. Correct the data or the round file"
        )
        refuse_values(what, path, misspelt, expected)


def _class_name(value: Any, names: tuple[str, ...] | None) -> str | None:
    """Return the class that a value of the column means; None: it means none."""
    if names is not None and isinstance(value, str) and value.strip() in names:
        return value.strip()
    spelled = spell(value)
    if names is None:
        return None if isinstance(value, float | Decimal) and not CANONICAL_INTEGER.fullmatch(spelled) else spelled
    if spelled in TRUTH_NUMBERS:
        number = TRUTH_NUMBERS[spelled]
    elif CANONICAL_INTEGER.fullmatch(spelled):
        number = int(spelled)
    else:
        return None
    return names[number] if 0 <= number < len(names) else None


def _members(
    column: pa.ChunkedArray, what: str, path: Path, data: LabelledData, values: list[str]
) -> NDArray[np.float64]:
    given = [None if row is None else _stripped(row) for row in column.to_pylist()]
    members = {member for row in given if row is not None for member in row}
    blanks = sorted((member for member in members if _is_no_class(member, data, values)), key=str)
    if blanks:
        refuse_values(
            what,
            path,
            blanks,
            f"lists of classes, of {data.label_names or 'any'}; a list without any is []. Where such a word is a "
            "class, name it beside all others in labelled_data.label_names",
        )
    unknown = sorted((member for member in members if data.label_names and member not in data.label_names), key=str)
    if unknown:
        refuse_values(what, path, unknown, f"lists of strings, of {data.label_names}")
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
    if not is_number(column.type.value_type):
        raise InputDataError(f"{what} of {path} has type {column.type}; lists must hold numbers or strings")
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
    flat = pc.list_flatten(column).cast(pa.float64(), safe=False).to_numpy()
    rows = np.full((len(column), len(names)), np.nan)
    rows[pc.is_valid(column).to_numpy()] = flat.reshape(-1, len(names))
    return as_targets(rows[:, [names.index(value) for value in values]], what, path, data)

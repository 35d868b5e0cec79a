"""What a value of a data file is: an id, a text, a class, or nothing. One answer for labelled data and samples.

Arrow, pandas, polars and Spark write one column in many types, and CSV writes all of them as strings: here they are the
same again.
"""

import re
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BLANKS = (
    *("", "nan", "-nan", "nat", "null", "none", "na", "#na", "n/a", "#n/a", "#n/a n/a", "<na>", "\\n"),
    *("1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind"),
)
"""Programs write these, in any case, where a value is missing. A text is blank only when it is white space."""
WHOLE_FLOAT = re.compile(r"(-?(?:0|[1-9]\d*))\.0*", re.ASCII)
CANONICAL_INTEGER = re.compile(r"0|-?[1-9]\d*", re.ASCII)
"""An id that comes back the same when it was an integer in between."""
TRUTH = {"true": "True", "false": "False"}
INT64_LIMIT = 2**63
VIEWS = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
"""Arrow cannot filter these, nor lists of them."""
Column = TypeVar("Column", pa.Array, pa.ChunkedArray)


def is_blank(value: Any) -> bool:
    """Say whether an id or a class is none at all: null, NaN, white space, or a word that stands for null."""
    return value is None or value != value or (isinstance(value, str) and value.strip().lower() in BLANKS)  # noqa: PLR0124


def blank_strings(values: pa.Array) -> pa.Array:
    """Say of each string whether it is blank as `is_blank` says; null is."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    return pc.or_(pc.is_null(values), pc.is_in(words, value_set=pa.array(BLANKS, words.type)))


def spell(value: Any) -> str:
    """Return a class or a value to compare as all formats spell it: `1` for 1, 1.0 and `1.0`, `True` for `true`."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        text = value.strip()
        whole = WHOLE_FLOAT.fullmatch(text)
        return whole[1] if whole else TRUTH.get(text.lower(), text)
    try:
        return str(int(value)) if value == int(value) else str(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)


def is_string(type_: pa.DataType) -> bool:
    """Say whether a column's type is one of Arrow's string types, or categories of strings."""
    type_ = _values_of(type_)
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def is_list(type_: pa.DataType) -> bool:
    """Say whether a column holds lists."""
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return _is_list_view(type_) or any(kind(type_) for kind in kinds)


def is_number(type_: pa.DataType) -> bool:
    """Say whether a column holds numbers or truth values."""
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(kind(_values_of(type_)) for kind in kinds)


def is_value(type_: pa.DataType) -> bool:
    """Say whether a column holds strings, numbers or truth values: one value a row that can be compared."""
    return is_string(type_) or is_number(type_)


def id_type(type_: pa.DataType) -> pa.DataType | None:
    """Return the type in which ids of a column are kept, None where it cannot hold ids.

    All integers are int64 but those of uint64, which int64 may not hold; all strings are one type.
    """
    type_ = _values_of(type_)
    if pa.types.is_integer(type_):
        return pa.uint64() if type_ == pa.uint64() else pa.int64()
    return pa.string() if is_string(type_) else None


def plain(column: Column) -> Column:
    """Undo dictionaries and views, which other programs use to save space; a column without values is of strings."""
    if pa.types.is_null(column.type):
        return column.cast(pa.large_string())
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.type in VIEWS:
        return column.cast(VIEWS[column.type])
    if not is_list(column.type) or not (_is_list_view(column.type) or column.type.value_type in VIEWS):
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_plain_list(chunk) for chunk in column.chunks or [pa.nulls(0, column.type)]])
    return _plain_list(column)


def _plain_list(lists: pa.Array) -> pa.Array:
    """Return lists of plain values; Arrow's own cast loses values of list views that follow an empty one."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int64())
    return pa.LargeListArray.from_arrays(offsets, plain(lists.flatten()), mask=lists.is_null())


def _is_list_view(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(type_) or pa.types.is_large_list_view(type_))


def _values_of(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_

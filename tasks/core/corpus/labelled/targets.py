"""Label values as numbers: 1 and 0, shares of annotators, or votes; NaN where blank."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.logical_types import is_blank, is_number, is_string, is_value, spell
from tasks.core.round.sections import LabelledData

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
TRUTH_VALUES = {"True": 1.0, "False": 0.0}
SHOWN_VALUES = 5


def read_targets(column: pa.ChunkedArray, what: str, path: Path, data: LabelledData) -> NDArray[np.float64]:
    """Return a label column's values between 0 and 1, NaN where blank.

    Raises:
        InputDataError: values that are no numbers, or not those that `targets` and `votes` allow.
    """
    return as_targets(_numbers(column, what, path), what, path, data)


def as_targets(values: NDArray[np.float64], what: str, path: Path, data: LabelledData) -> NDArray[np.float64]:
    """Check numbers against `targets` and `votes`, and divide votes by their number.

    Raises:
        InputDataError: a number that is not allowed.
    """
    given = values[~np.isnan(values)]
    if data.votes is not None:
        allowed = (given >= 0) & (given <= data.votes) & (given == np.floor(given))
        expected = f"whole numbers of votes from 0 to labelled_data.votes ({data.votes})"
    elif data.targets == "soft":
        allowed, expected = (
            (given >= 0) & (given <= 1),
            "shares from 0 to 1. For numbers of votes set labelled_data.votes",
        )
    else:
        allowed = (given == 0) | (given == 1)
        expected = "1, 0 and blank. If they are shares of annotators, set labelled_data.targets to soft"
    if not allowed.all():
        refuse_values(what, path, np.unique(given[~allowed]).tolist(), expected)
    return values / data.votes if data.votes is not None else values


def refuse_values(what: str, path: Path, values: list[Any], expected: str) -> None:
    """Raise InputDataError with examples of the values and what is allowed instead."""
    more = f" and {len(values) - SHOWN_VALUES} other values" if len(values) > SHOWN_VALUES else ""
    raise InputDataError(f"{what} of {path} holds {values[:SHOWN_VALUES]!r}{more}; allowed are {expected}.")


def _numbers(column: pa.ChunkedArray, what: str, path: Path) -> NDArray[np.float64]:
    if is_string(column.type):
        return _parse(column, what, path)
    if not is_number(column.type):
        hint = " If it is a list, name it in labelled_data.label_column." if pa.types.is_nested(column.type) else ""
        raise InputDataError(f"{what} of {path} has type {column.type}; it must hold 1, 0 or blank.{hint}")
    floats = column.cast(pa.float64(), safe=False)  # an integer that a float cannot hold is refused as a value
    return np.asarray(floats.to_numpy(), dtype=np.float64)


def _parse(column: pa.ChunkedArray, what: str, path: Path) -> NDArray[np.float64]:
    texts = strings_of(column, what, path)
    numbers: dict[str | None, float] = {}
    foreign = []
    given = [text for text in dict.fromkeys(texts) if text is not None and not is_blank(text)]
    all_truth = all(spell(text) in TRUTH_VALUES for text in given)
    for text in given:
        if all_truth:
            numbers[text] = TRUTH_VALUES[spell(text)]
        elif NUMBER.fullmatch(text.strip()):
            numbers[text] = float(text)
        else:
            foreign.append(text)
    if foreign:
        refuse_values(
            what, path, foreign, "numbers: 1, 0 and blank, or shares or votes when labelled_data.targets is soft"
        )
    return np.array([numbers.get(text, np.nan) for text in texts], dtype=np.float64)


def require_values(column: pa.ChunkedArray, what: str, path: Path) -> None:
    """Raise InputDataError unless a column holds one value a row that can be compared."""
    if not is_value(column.type):
        raise InputDataError(
            f"{what} of {path} has type {column.type}; it must hold strings, numbers or truth values. Name another "
            "column in the round file, or write this one so."
        )


def strings_of(column: pa.ChunkedArray, what: str, path: Path) -> list[str | None]:
    """Return a column's strings.

    Raises:
        InputDataError: bytes that are not UTF-8.
    """
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError as error:
        raise InputDataError(f"{what} of {path} is not UTF-8: {error}. Write the file again as UTF-8.") from None

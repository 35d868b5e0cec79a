"""Rows of a sample's JSON Lines files, with their lines for errors."""

import json
from collections.abc import Iterator
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample.text_lines import Row, read_lines
from tasks.core.round.sections import Sample

KEYS_WANTED_WITHIN = 50_000
"""So many lines may lack a column before it counts as one that is not there."""
SHOWN_CHARACTERS = 80


def json_keys(path: Path, content: BufferedReader, lines: int) -> list[str]:
    """Return the keys of the objects in the first lines, each once.

    Raises:
        InputDataError: a line that is no JSON object.
    """
    first = islice(enumerate(read_lines(path, content), start=1), lines)
    rows = (_parse(path, number, line)[0] for number, line in first if line.strip())
    return list(dict.fromkeys(key for row in rows for key in row))


def json_rows(path: Path, content: BufferedReader, sample: Sample) -> Iterator[Row]:
    """Read one object a line; a column that an object lacks is null.

    Raises:
        InputDataError: a line that is no JSON object, a text that is no string, or a column that no object has.
    """
    missing, keys, number = {sample.id_column, sample.text_column}, "", 0
    for number, line in enumerate(read_lines(path, content), start=1):
        if not line.strip():
            continue
        row, encoding_errors = _parse(path, number, line)
        if missing:
            missing, keys = missing - row.keys(), keys or ", ".join(row)
            if number == KEYS_WANTED_WITHIN:
                _check_none_missing(path, number, missing, keys)
        id_, text = _value(row, sample.id_column), _value(row, sample.text_column)
        if text is not None and not isinstance(text, str):
            raise InputDataError(
                f"the text '{sample.text_column}' in line {number} of {path} is {_shown(text)}; it must be a string or "
                "null. Correct the line, or text_column in the round file."
            )
        yield (
            number,
            _encode(id_, encoding_errors) if isinstance(id_, str) else id_,
            None if text is None else _encode(text, encoding_errors),
        )
    if keys:
        _check_none_missing(path, number, missing, keys)


def _parse(path: Path, number: int, line: bytes) -> tuple[dict[str, Any], str]:
    """Return the line's object, and how its strings become bytes again: as they stood, also where they are no UTF-8."""
    try:
        decoded, encoding_errors = line.decode(), "surrogatepass"
    except UnicodeDecodeError:
        decoded, encoding_errors = line.decode("utf-8", "surrogateescape"), "surrogateescape"
    try:
        row = json.loads(decoded)
    except (ValueError, RecursionError) as error:
        raise InputDataError(
            f"line {number} of {path} is not JSON: {error}. It begins {line[:SHOWN_CHARACTERS]!r}. Each line must be "
            "an object of its own; a file that is one array can be rewritten with: jq -c '.[]'"
        ) from None
    if not isinstance(row, dict):
        raise InputDataError(
            f"line {number} of {path} is {_shown(row)}; each line must be an object, such as "
            '{"tweet_id": 1, "text": "..."}. A file that is one array can be rewritten with: jq -c \'.[]\''
        )
    return row, encoding_errors


def _value(row: dict[str, Any], column: str) -> Any:
    """Return a column's value; NaN is null, in JSON as elsewhere."""
    value = row.get(column)
    return None if value != value else value  # noqa: PLR0124


def _encode(text: str, errors: str) -> bytes:
    try:
        return text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _check_none_missing(path: Path, lines: int, missing: set[str], keys: str) -> None:
    if missing:
        raise InputDataError(
            f"{path} has no column '{min(missing)}' in its first {lines} lines; the first object has: {keys}. Correct "
            "id_column or text_column of the sample in the round file."
        )


def _shown(value: Any) -> str:
    shown = repr(value)
    return f"{type(value).__name__} {shown[:SHOWN_CHARACTERS]}{'...' if len(shown) > SHOWN_CHARACTERS else ''}"

"""Gather rows of a text file into Parquet row groups, with ids of one type."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import SHOWN_IDS, check_id_strings
from tasks.core.corpus.logical_types import INT64_LIMIT
from tasks.core.corpus.sample.text_lines import Row

ROW_GROUP_ROWS = 50_000
ROW_GROUP_BYTES = 64_000_000
"""A row group ends with the row that reaches so many bytes of texts, or so many rows."""
ID_WORDS: dict[type, str] = {int: "integers", bytes: "strings"}


@dataclass
class RowGroup:
    """Rows that become one row group."""

    lines: list[int] = field(default_factory=list)
    ids: list[Any] = field(default_factory=list)
    texts: list[bytes | None] = field(default_factory=list)


def gather(rows: Iterable[Row]) -> Iterator[RowGroup]:
    """Gather rows into groups; where they are cut follows from the rows alone."""
    group, size = RowGroup(), 0
    for line, id_, text in rows:
        group.lines.append(line)
        group.ids.append(id_)
        group.texts.append(text)
        size += len(text) if text is not None else 0
        if len(group.ids) == ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            yield group
            group, size = RowGroup(), 0
    if group.ids:
        yield group


class IdColumn:
    """Makes Arrow arrays of ids, all of the type of the first one in the file; of null's where it has none.

    `look_ahead` finds that one where the first row group has none.
    """

    def __init__(self, path: Path, name: str, look_ahead: Callable[[], type | None]) -> None:
        self._path = path
        self._name = name
        self._look_ahead = look_ahead
        self._type: type | None = None
        self._has_none = False

    def to_arrow(self, group: RowGroup) -> pa.Array:
        """Return a group's ids as int64 or as strings, carried untouched.

        Raises:
            InputDataError: ids that are floats, of several types, or too large.
        """
        self._check_types(group)
        if self._has_none:
            return pa.nulls(len(group.ids))
        if self._type is bytes:
            ids = strings(group.ids)
            check_id_strings(self._path, self._name, ids)
            return ids
        try:
            return pa.array(group.ids, pa.int64())
        except (OverflowError, pa.ArrowInvalid):
            raise InputDataError(self._describe_large(group)) from None

    def _check_types(self, group: RowGroup) -> None:
        types = set(map(type, group.ids)) - {type(None)}
        if float in types:
            raise InputDataError(self._describe_floats(group))
        self._type = self._type or next((type(id_) for id_ in group.ids if id_ is not None), None)
        if self._type is None and not self._has_none:
            self._type = self._look_ahead()
            self._has_none = self._type is None
        if types - {self._type} or (types and self._type not in ID_WORDS):
            raise InputDataError(self._describe_other(group))

    def _describe_large(self, group: RowGroup) -> str:
        rows = zip(group.lines, group.ids, strict=True)
        line, id_ = next((line, id_) for line, id_ in rows if id_ and not -INT64_LIMIT <= id_ < INT64_LIMIT)
        return (
            f"the id '{self._name}' in line {line} of {self._path} is {id_}, which is no 64-bit integer. Write the "
            "ids of this sample as strings."
        )

    def _describe_floats(self, group: RowGroup) -> str:
        found = [(line, id_) for line, id_ in zip(group.lines, group.ids, strict=True) if isinstance(id_, float)]
        shown = ", ".join(f"{id_!r} in line {line}" for line, id_ in found[:SHOWN_IDS])
        return (
            f"the ids '{self._name}' of {self._path} are floats: {shown}; ids must be integers or strings. Write the "
            "ids again from their source: digits that a float has lost cannot be brought back."
        )

    def _describe_other(self, group: RowGroup) -> str:
        allowed = self._type if self._type in ID_WORDS else None
        rows = zip(group.lines, group.ids, strict=True)
        line, id_ = next((line, id_) for line, id_ in rows if id_ is not None and type(id_) is not allowed)
        shown = repr(id_.decode("utf-8", "replace")) if isinstance(id_, bytes) else repr(id_)
        before = f"the ids before it are {ID_WORDS[allowed]}; " if allowed else ""
        return (
            f"the id '{self._name}' in line {line} of {self._path} is {shown}; {before}all ids of a sample must be "
            "integers, or all strings. Write them alike."
        )


def strings(values: list[bytes | None]) -> pa.Array:
    """Return bytes as an Arrow array of strings, not checked to be UTF-8."""
    return pa.array(values, pa.binary()).cast(pa.string(), safe=False)

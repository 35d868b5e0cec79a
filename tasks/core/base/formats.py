"""The formats of the files that Winnow writes and reads again, and what happens to files of other versions.

Each such file says its format, a number, and which version of Winnow wrote it. One of a newer format is refused with
that version; an older one is migrated step by step to today's, or refused by name. None is half-read: a file that lacks
what its kind must say, or says more, is no such file. Nor is one that was altered: each carries a checksum of its whole
meaning, which files of versions before 0.2.0 lack.

The fields of a kind stand in one class, its schema; CHANGELOG.md says what changed between two numbers.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tasks.core.base.errors import FormatError, TornRecordError
from tasks.core.base.files import read_json, write_json

NUMBER = "format"
WRITTEN_BY = "written_by"
CHECKSUM = "checksum"
Content = dict[str, Any]
SAID_CHARACTERS = 300
"""So much is told of what is wrong with a file's fields."""


@dataclass(frozen=True)
class FileFormat:
    """What one kind of file says of itself."""

    kind: str
    """Errors call such a file by this word, such as `plan`."""
    number: int
    """This version of Winnow writes the format of this number."""
    schema: type
    """The fields of this dataclass or TypedDict are the keys of the file."""
    remedy: str
    """This is what a person does about a file of a format that is no longer read."""
    unnumbered: int | None = None
    """Files without a number have this format; None where no such files were ever written."""
    migrations: Mapping[int, Callable[[Content], Content]] = field(default_factory=dict)
    """From each older format that is still read, one step leads to the format after it."""
    check: Callable[[Content], object] | None = None
    """This raises a ValueError where what a file says, in today's format, is of other types than its schema's."""

    def sign(self, content: Mapping[str, Any]) -> Content:
        """Return the content with the format's number, Winnow's version and a checksum of all in front."""
        signed = {NUMBER: self.number, WRITTEN_BY: winnow_version(), **content}
        return {CHECKSUM: checksum_of(signed), **signed}

    def read_signed(self, content: Any, where: Path) -> Content:
        """Return what a file says that Winnow signed, as `read` does.

        Raises:
            FormatError: the file is of a newer format, or of one that is no longer read.
            TornRecordError: it is torn, altered, or no such file.
        """
        if not isinstance(content, dict):
            raise self.torn(where, f"it holds {type(content).__name__}, not keys and values")
        said = {key: value for key, value in content.items() if key != CHECKSUM}
        if self.number_of(said, where) == self.number and CHECKSUM not in content:
            raise self.torn(where, "it lacks its checksum")
        if CHECKSUM in content and content[CHECKSUM] != _sha256(said):
            raise self.torn(where, "its checksum is not that of what it says, so it was altered")
        return self.read(said, where)

    def read(self, content: Any, where: Path) -> Content:
        """Return what a file says, in today's format and without its signature.

        Raises:
            FormatError: the file is of a newer format, or of one that is no longer read.
            TornRecordError: it is torn, or no such file.
        """
        if not isinstance(content, dict):
            raise self.torn(where, f"it holds {type(content).__name__}, not keys and values")
        said = {key: value for key, value in content.items() if key not in (NUMBER, WRITTEN_BY)}
        number = self.number_of(content, where)
        try:
            while number < self.number:
                said = self.migrations[number](said)
                number += 1
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self.torn(where, f"as format {number} it lacks something: {error!r}") from None
        self._require_keys(said, where)
        try:
            if self.check is not None:
                self.check(said)
        except ValueError as error:
            raise self.torn(where, " ".join(str(error).split())[:SAID_CHARACTERS]) from None
        return said

    def number_of(self, content: Content, where: Path) -> int:
        """Return the format of a file that can be read.

        Raises:
            FormatError: it is of a newer format, or of one that is no longer read.
            TornRecordError: its format is no whole number.
        """
        number, here = content.get(NUMBER, self.unnumbered), winnow_version()
        if NUMBER in content and type(number) is not int:
            raise self.torn(where, f"its format is {number!r}, not a whole number")
        if number is not None and number > self.number:
            raise FormatError(
                f"{where} ({self.kind}) is of format {number}, written by Winnow {content.get(WRITTEN_BY, 'unknown')}; "
                f"this is Winnow {here}, which reads {self._readable()}. Install the version that wrote it, or a later "
                "one."
            )
        if number is None or (number != self.number and number not in self.migrations):
            raise FormatError(
                f"{where} ({self.kind}) is of format {number}; Winnow {here} reads {self._readable()}. {self.remedy}."
            )
        return int(number)

    def torn(self, where: Path, problem: str) -> TornRecordError:
        """Return the error of a file that is torn, or none of the kind."""
        return TornRecordError(f"{where} cannot be read as a {self.kind} of format {self.number}: {problem}")

    def _readable(self) -> str:
        older = sorted(self.migrations)
        return f"formats {older[0]} to {self.number}" if older else f"format {self.number}"

    def _require_keys(self, content: Content, where: Path) -> None:
        required, allowed = _keys_of(self.schema)
        if content.keys() - allowed or required - content.keys():
            lacking, extra = sorted(required - content.keys()), sorted(content.keys() - allowed)
            raise self.torn(where, f"it lacks {lacking} and has {extra} too much")


def write_record(path: Path, kind: FileFormat, content: Mapping[str, Any]) -> None:
    """Write a file of a kind as JSON: signed, aside and renamed."""
    write_json(path, kind.sign(content))


def read_record(path: Path, kind: FileFormat) -> Content:
    """Read a file of a kind.

    Raises:
        FileNotFoundError: there is none.
        FormatError: it is of a newer format, or of one that is no longer read.
        TornRecordError: it is torn, altered, or no such file; what to do is said, too.
    """
    try:
        return kind.read_signed(read_json(path), path)
    except FileNotFoundError:
        raise
    except ValueError as error:
        said = str(error) if isinstance(error, TornRecordError) else str(kind.torn(path, str(error)))
        raise TornRecordError(f"{said}. {kind.remedy}.") from None


def checksum_of(content: Mapping[str, Any]) -> str:
    """Return the sha256 of content as JSON gives it back, with sorted keys and in ASCII."""
    return _sha256(json.loads(json.dumps(content)))  # keys that are numbers become texts, which are sorted otherwise


def _sha256(plain: Content) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def unchanged(content: Content) -> Content:
    """Migrate from a format that said the same, without its number."""
    return content


@cache
def winnow_version() -> str:
    """Return Winnow's version; a registered model is also loaded where Winnow is not installed."""
    try:
        return version("winnow")
    except PackageNotFoundError:
        return "(not installed)"


@cache
def _keys_of(schema: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Return the keys that a schema requires, and those that it allows."""
    if not is_dataclass(schema):
        return schema.__required_keys__, schema.__required_keys__ | schema.__optional_keys__
    known = fields(schema)
    required = (item.name for item in known if item.default is MISSING and item.default_factory is MISSING)
    return frozenset(required), frozenset(item.name for item in known)

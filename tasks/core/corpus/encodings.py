"""Texts that are not UTF-8: a few are left out or quarantined, row by row; a file that is full of them is refused."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.base.parquet import PARQUET_SUFFIXES

UNDECODABLE_SHARE = 0.01
UNDECODABLE_ROWS = 2
"""So many rows are no sign of another encoding, whatever their share."""
FEW_ROWS = 200
"""A sample's part with fewer rows may be of one odd source."""
FEW_ROWS_SHARE = 0.5
LOOKED_TEXTS = 1_000
LOOKED_BYTES = 1_000
"""So many bytes tell whether a file's characters have two or four."""
MARKS = frozenset("€„…‹‘’“”•–—™›«»¿¡ºª°")  # noqa: RUF001 - as people type them
"""Texts in Latin letters have these marks, too."""
NO_LETTERS = "ƒ\ufffd"
"""Windows-1252 has the first where Shift JIS begins a character, and nothing for some bytes."""
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass
class Undecodable:
    """Counts a file's texts, and those that are not UTF-8."""

    path: Path
    share: float = UNDECODABLE_SHARE
    """A file is refused when more of its texts than this are not UTF-8."""
    part_of_sample: bool = False
    """One with few rows is then refused only when most of its texts are not."""
    texts: int = 0
    found: int = 0
    examples: list[bytes] = field(default_factory=list)

    def add(self, texts: pa.Array | pa.ChunkedArray) -> None:
        """Count texts, of which null ones are none."""
        self.texts += len(texts) - texts.null_count
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:
            contents = texts.cast(pa.large_binary()).to_pylist()
            broken = [content for content in contents if content is not None and not _decodes(content, "utf-8")]
            self.found += len(broken)
            self.examples += broken[: LOOKED_TEXTS - len(self.examples)]

    def refuse_many(self) -> None:
        """Raise InputDataError when too many texts are not UTF-8; it names the encoding that they may be of."""
        few = self.part_of_sample and self.texts < FEW_ROWS
        if self.found <= max(UNDECODABLE_ROWS, (FEW_ROWS_SHARE if few else self.share) * self.texts):
            return
        encoding, name = likely_encoding(self.examples)
        is_text = self.path.suffix.lower() not in PARQUET_SUFFIXES
        advice = f"iconv -f {name} -t UTF-8 {self.path.name} > NEW" if name and is_text else ""
        advice = f"Write it again: {advice}" if advice else "Write it again in UTF-8"
        raise InputDataError(
            f"{self.found} of {self.texts} texts of {self.path} are not UTF-8; they look like {encoding}. {advice}. Up "
            f"to {self.share:.0%} of a file's texts may be so, and are left out row by row."
        )


def refuse_wide(path: Path, beginning: bytes) -> None:
    """Raise InputDataError when a text file begins as UTF-16 or UTF-32 does: by its mark, or with zeros in between."""
    if beginning.startswith(WIDE_MARKS) or beginning.count(0) > len(beginning) / 4:
        name = "UTF-32" if beginning.count(0) > len(beginning) * 0.6 else "UTF-16"
        raise InputDataError(
            f"{path} is not UTF-8; it looks like {name}. Write it again: iconv -f {name} -t UTF-8 {path.name} > NEW"
        )


def likely_encoding(contents: list[bytes]) -> tuple[str, str]:
    """Return what texts that are not UTF-8 look like, and the encoding's name for iconv; empty where there is none."""
    if all(_decodes(content, "utf-8", "surrogatepass") for content in contents):
        return "UTF-8 with halves of surrogate pairs, as emoji leave that were cut", ""
    if all(map(_is_cut, contents)) and any(map(_holds_utf8, contents)):
        return "UTF-8 whose texts were cut at a number of bytes, in the middle of a character", ""
    if not _mostly_latin(contents):
        return "an encoding of another script, such as Windows-1251, Shift JIS or GBK", ""
    if any(0x80 <= byte < 0xA0 for content in contents for byte in content):
        return "Windows-1252, or another encoding of a byte a character", "WINDOWS-1252"
    return "Latin-1 (ISO 8859-1), or another encoding of a byte a character", "LATIN1"


def _decodes(content: bytes, encoding: str, errors: str = "strict") -> bool:
    try:
        content.decode(encoding, errors)
    except UnicodeDecodeError:
        return False
    return True


def _holds_utf8(content: bytes) -> bool:
    """Say whether characters beyond ASCII, or two bytes of a cut one, are as UTF-8 has them."""
    try:
        return not content.decode().isascii()
    except UnicodeDecodeError as error:
        return not content[: error.start].isascii() or len(content) - error.start > 1


def _mostly_latin(contents: list[bytes]) -> bool:
    """Say whether other letters stand among ASCII ones, as accents do, and what else is not ASCII are marks of type."""
    words = [word.decode("cp1252", "replace") for content in contents for word in content.split() if not word.isascii()]
    letters = [letter for word in words for letter in word if letter.isalpha() and letter not in NO_LETTERS]
    beyond = [letter for word in words for letter in word if not letter.isascii()]
    odd = [letter for letter in beyond if letter in NO_LETTERS or not (letter.isalpha() or letter in MARKS)]
    return 2 * len(odd) <= len(beyond) and 2 * sum(map(str.isascii, letters)) >= len(letters)


def _is_cut(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False

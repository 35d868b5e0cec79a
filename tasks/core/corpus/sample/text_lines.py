"""Lines of a sample's text files, in bounded memory."""

from collections.abc import Iterator
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

from tasks.core.base.errors import InputDataError

LINE_BYTES = 1 << 26
"""No line, and no quoted field, may be longer than this: it stands in memory as one."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Row = tuple[int, Any, bytes | None]
"""A row is its line, its id, and the text's bytes as they stand in the file."""


def read_lines(path: Path, content: BufferedReader) -> Iterator[bytes]:
    """Read lines as they stand, without a byte order mark before the first.

    Raises:
        InputDataError: a line that is too long to be read as one.
    """
    for number, line in enumerate(iter(partial(content.readline, LINE_BYTES), b""), start=1):
        if len(line) == LINE_BYTES and not line.endswith(b"\n"):
            raise InputDataError(
                f"line {number} of {path} is longer than {LINE_BYTES:,} bytes, the most that is read as one. Check "
                "that the file has one row a line."
            )
        yield line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line

"""Read a compressed or plain file as bytes, and know the sha256 of what lies on disk once it is read."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tasks.core.base.files import READ_BYTES
from tasks.core.corpus.columns import TornFileError
from tasks.core.corpus.compressions import compression_of


class HashedFile(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, path: Path) -> None:
        self._content: IO[bytes] = path.open("rb", buffering=0)
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer and return how many bytes."""
        content = self._content.read(len(buffer))
        self._digest.update(content)
        buffer[: len(content)] = content
        return len(content)

    def sha256(self) -> str:
        """Read what is left and return the sha256 of the file, in hexadecimal."""
        while self.read(READ_BYTES):
            pass
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._content.close()
        super().close()


def open_decompressed(path: Path, file: HashedFile) -> "io.BufferedReader[Any]":
    """Open a file's content, decompressed when its name says that it is compressed."""
    content: io.BufferedReader[Any] = io.BufferedReader(file, READ_BYTES)
    compression = compression_of(path)
    if compression is None:
        return content
    if compression == "gzip":
        return io.BufferedReader(gzip.GzipFile(fileobj=content), READ_BYTES)
    return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(content, mode="r"), compression), READ_BYTES)


@contextmanager
def torn_files_named(path: Path) -> Iterator[None]:
    """Turn what a decompressor says of a torn file into an error that names it.

    Raises:
        TornFileError: the compressed file is empty, ends too early, or is damaged.
    """
    if compression_of(path) and path.stat().st_size == 0:
        raise _torn(path, "it is empty")
    try:
        yield
    except (EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _torn(path, error) from None


def _torn(path: Path, why: object) -> TornFileError:
    return TornFileError(
        f"{path} is not a whole {path.suffix.lower()} file: {str(why).strip()}. Write or copy it again, or set "
        "on_torn_file: skip to leave such files out."
    )

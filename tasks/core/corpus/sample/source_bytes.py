"""Read a compressed or plain file as bytes, and know the sha256 of what lies on disk once it is read."""

import gzip
import hashlib
import io
import zlib
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tasks.core.base.files import READ_BYTES
from tasks.core.corpus.compressions import compression_of
from tasks.core.corpus.faults import decoder_error, torn_file


class HashedFile(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, path: Path) -> None:
        self._content: IO[bytes] = path.open("rb", buffering=0)
        self._digest = hashlib.sha256()
        self.failure: OSError | None = None
        """The file could not be read for this reason, which a decoder above may tell in words of its own."""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer and return how many bytes."""
        try:
            content = self._content.read(len(buffer))
        except OSError as error:
            self.failure = error
            raise
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


class Decompressed(io.RawIOBase):
    """A file's content as a decoder gives it; errors of the file beneath pass through as they are."""

    def __init__(self, path: Path, source: HashedFile, decoder: Any) -> None:
        self._path, self._source, self._decoder = path, source, decoder

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer and return how many bytes.

        Raises:
            TornFileError: the decoder says that bytes are missing or altered.
            UnreadableFileError: the decoder cannot read it.
        """
        try:
            content = self._decoder.read(len(buffer))
        except (EOFError, zlib.error, OSError, pa.ArrowException) as error:
            raise self._source.failure or decoder_error(self._path, error) from None
        buffer[: len(content)] = content
        return len(content)


def open_decompressed(path: Path, file: HashedFile) -> "io.BufferedReader[Any]":
    """Open a file's content, decompressed when its name says that it is compressed.

    Raises:
        TornFileError: the compressed file is empty.
    """
    content: io.BufferedReader[Any] = io.BufferedReader(file, READ_BYTES)
    compression = compression_of(path)
    if compression is None:
        return content
    if path.stat().st_size == 0:
        raise torn_file(path, "it is empty")
    decoder: Any = gzip.GzipFile(fileobj=content)
    if compression != "gzip":
        decoder = pa.CompressedInputStream(pa.PythonFile(content, mode="r"), compression)
    return io.BufferedReader(Decompressed(path, file, decoder), READ_BYTES)

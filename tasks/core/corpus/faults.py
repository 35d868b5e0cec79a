"""Why a data file cannot be read: it is torn, or it cannot be read here. Only the decoder's own word makes it torn."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from tasks.core.base.errors import InputDataError, WinnowError

TORN_WORDS = (
    "ended before the end-of-stream marker",
    "truncated compressed stream",
    "crc check failed",
    "incorrect length of data produced",
    "doesn't match checksum",
    "checksum_invalid",
    "invalid bz2 data",
)
"""Decoders say so of bytes that are missing or altered; zstd's "corruption" may as well be a dictionary that is not
here, and whoever cannot read a file for want of one must not leave it out."""
WINDOW_WORDS = "too much memory for decoding"
ENCRYPTED_WORDS = ("encrypt", "decrypt")
PARQUET_MAGICS = (PLAIN_MAGIC, ENCRYPTED_MAGIC) = (b"PAR1", b"PARE")
"""A Parquet file begins and ends with one of these."""
LIBRARY_ERRORS = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError, LookupError, TypeError, EOFError)
"""Arrow raises these, some of them only at damaged files."""


class TornFileError(InputDataError):
    """A Parquet or compressed file is not whole: `on_torn_file: skip` leaves it out."""


class UnreadableFileError(InputDataError):
    """A file cannot be read here: its place, permissions, disk, codec or key. No setting leaves it out."""


def cannot_read(path: Path, error: Exception) -> UnreadableFileError:
    """Return the error of a file that this machine, or this user, cannot read."""
    return UnreadableFileError(
        f"{path} cannot be read: {error}. Correct its place, its permissions or the disk; it is not left out, since "
        "nothing says that it is torn."
    )


def decoder_error(path: Path, error: Exception) -> InputDataError:
    """Return what a decompressor's error says of its file: that it is torn, or that it cannot be read here."""
    said, suffix = str(error).strip(), path.suffix.lower()
    if isinstance(error, EOFError | zlib.error) or any(word in said.lower() for word in TORN_WORDS):
        return torn_file(path, said)
    advice = "Write it again, or check that its name says how it is compressed"
    if WINDOW_WORDS in said:
        advice = f"Its window is larger than is read. Recompress it: zstd -dc --long=31 {path.name} | zstd -o NEW.zst"
    return UnreadableFileError(f"{path} cannot be read as {suffix}: {said}. {advice}.")


def torn_file(path: Path, why: str) -> TornFileError:
    """Return the error of a compressed file whose bytes are missing or altered."""
    return TornFileError(
        f"{path} is not a whole {path.suffix.lower()} file and cannot be read: {why}. Write or copy it again. A sample "
        "with on_torn_file: skip leaves such files out."
    )


@contextmanager
def parquet_errors_named(path: Path, system: bool = True) -> Iterator[None]:
    """Turn what Arrow raises of a Parquet file into an error of ours that names it.

    Without `system`, errors of the system stay as they are: work on a cluster is tried again after such a one, which
    may pass, but not after an error of ours.

    Raises:
        TornFileError: the file ends before its footer.
        UnreadableFileError: it cannot be read here, is encrypted, damaged or no Parquet file.
    """
    try:
        yield
    except WinnowError:
        raise
    except LIBRARY_ERRORS as error:
        if not system and getattr(error, "errno", None) is not None:
            raise
        raise _parquet_error(path, error) from None


def _parquet_error(path: Path, error: Exception) -> InputDataError:
    if isinstance(error, OSError) and error.errno is not None:
        return cannot_read(path, error)
    try:
        begins, ends = _magic(path)
    except OSError as place:
        return cannot_read(path, place)
    said = str(error).strip()
    if ends == ENCRYPTED_MAGIC or any(word in said.lower() for word in ENCRYPTED_WORDS):
        return UnreadableFileError(
            f"{path} is encrypted: {said}. Winnow has no keys. Write it again without encryption."
        )
    if ends not in PARQUET_MAGICS and any(magic.startswith(begins) for magic in PARQUET_MAGICS):
        return TornFileError(f"{path} is not a whole Parquet file: {said}. Write it again, or move it away.")
    if begins not in PARQUET_MAGICS:
        return UnreadableFileError(
            f"{path} is no Parquet file: it begins with {begins!r}. Write it again, or move it away."
        )
    return UnreadableFileError(
        f"{path} cannot be read as Parquet: {said}. It is damaged, or holds what Arrow {pa.__version__} does not read. "
        "Write it again."
    )


def _magic(path: Path) -> tuple[bytes, bytes]:
    """Return a file's first and last four bytes."""
    with path.open("rb") as content:
        begins = content.read(4)
        content.seek(-min(4, path.stat().st_size), 2)
        return begins, content.read(4)

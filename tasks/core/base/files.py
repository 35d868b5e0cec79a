"""Write files so that a half-written one never counts, and fingerprint what they hold."""

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.core.base.errors import DiskFullError

FINGERPRINT_CHARACTERS = 12
READ_BYTES = 1 << 20
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it to `path`.

    Readers see the old file or the whole new one, also after a power cut. On an error the temporary file is removed.

    Raises:
        DiskFullError: there is no room for it.
    """
    with _full_disk_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            yield aside
            _fsync(aside)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        _fsync(path.parent)


@contextmanager
def _full_disk_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise DiskFullError(
            f"{path} could not be written: {os.strerror(error.errno)}. What is finished is kept. Make room on that "
            "file system, or have your quota raised, then run the flow again: it goes on where it stopped."
        ) from error


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, aside and renamed."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8, aside and renamed."""
    with write_aside(path) as aside:
        aside.write_text(content, encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: it is none, or nested too deeply to be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def sha256_of_file(path: Path) -> str:
    """Return the sha256 of the file's bytes, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sha256_of_folder(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below `folder`, keyed by its path in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in files}


def fingerprint(content: Any) -> str:
    """Return the first 12 hexadecimal characters of the sha256 of `content` as canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:FINGERPRINT_CHARACTERS]


def fsync_tree(folder: Path) -> None:
    """Fsync every file and folder below `folder`, and `folder` itself."""
    for path in folder.rglob("*"):
        _fsync(path)
    _fsync(folder)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

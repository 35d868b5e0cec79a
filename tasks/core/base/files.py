"""Write files so that a half-written one never counts, and fingerprint what they hold."""

import errno
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.core.base.aside_names import aside_name
from tasks.core.base.errors import DiskFullError
from tasks.core.base.hold import aside_of, lost_hold_named, make_folder
from tasks.core.base.syncing import fsync

FINGERPRINT_CHARACTERS = 12
READ_BYTES = 1 << 20
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success fsync it and rename it to `path`.

    Readers see the old file or the whole new one, also after a power cut. On an error the temporary file is removed. It
    is made beside `path`, or in the place of the launch that this thread works for: see `tasks.core.base.hold`.

    Raises:
        DiskFullError: there is no room for it.
        LaunchLostError: another launch has taken over the folder.
    """
    with full_disk_named(path), lost_hold_named(path):
        make_folder(path.parent)
        aside = aside_of(path)
        try:
            yield aside
            fsync(aside)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        fsync(path.parent)


def link_first(made: Path, path: Path) -> bool:
    """Give a finished file the name `path` too, unless another has it, and say whether it has it now.

    In one step, also on a shared file system; nothing that stands is ever replaced.
    """
    fsync(made)
    try:
        os.link(made, path)
    except FileExistsError:
        # A server that got the request twice answers so, too.
        return path.exists() and path.samefile(made)
    fsync(path.parent)
    return True


def file_time(folder: Path) -> float:
    """Return what the file system takes for the present time, in seconds since the epoch: its own clock stamps files.

    Ages of files are told by it, for the clocks of hosts may differ by hours. Where nothing can be written, this host's
    clock has to do.
    """
    try:
        probe = folder / aside_name("time")
        try:
            with probe.open("x") as opened:
                return os.fstat(opened.fileno()).st_mtime
        finally:
            probe.unlink(missing_ok=True)  # a launch that sweeps may have been faster
    except PermissionError:
        return time.time()
    except OSError as error:
        if error.errno not in (*DISK_FULL, errno.EROFS):
            raise
        return time.time()


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Raise DiskFullError, which says what to do, where there was no room for `path`."""
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
        fsync(path)
    fsync(folder)

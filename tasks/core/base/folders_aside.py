"""Folders that are made beside their place and renamed to it when they are whole; what dead processes left goes."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.core.base.aside_names import aside_name, is_aside_name, maker_of
from tasks.core.base.files import file_time, fsync_tree
from tasks.core.base.processes import is_gone
from tasks.core.base.syncing import fsync

ABANDONED_SECONDS = 7 * 24 * 3600.0
"""What a process of another host made is removed after so long without a change: none can see that process."""
TAKEN = (errno.ENOTEMPTY, errno.EEXIST)


@contextmanager
def folder_aside(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`, to be put in place; what is left of it at the end is removed.

    What processes that are gone were making in that place is removed, too.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    aside = target.with_name(aside_name(target.name))
    aside.mkdir()
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def put_in_place(made: Path, target: Path, stands: Callable[[], object] = lambda: False) -> None:
    """Put a whole folder to disk, and rename it to its place; a folder there goes, unless `stands` says that it stays.

    Readers find the former folder, none, or the new one, but no half of either, also after a power cut; and once this
    returns, what it was made from may be removed. Where another process puts one there meanwhile, `stands` is asked.
    """
    fsync_tree(made)
    formers: list[Path] = []
    while not (stands() or _renamed(made, target)):
        formers.append(target.with_name(aside_name(target.name)))
        with suppress(FileNotFoundError):  # another has just put it aside
            target.rename(formers[-1])
    fsync(target.parent)
    fsync(made.parent)
    for former in formers:
        shutil.rmtree(former, ignore_errors=True)


def _renamed(made: Path, target: Path) -> bool:
    try:
        made.rename(target)
    except OSError as error:
        if error.errno not in TAKEN:
            raise
        return False
    return True


def sweep(folder: Path) -> None:
    """Remove the files and folders that processes which are gone were making in a folder.

    Each writer does so before it looks whether there is anything to do. What cannot be seen or removed harms nobody: a
    fault of the disk that matters meets the writer itself.
    """
    with suppress(OSError):
        for left in [path for path in folder.iterdir() if is_aside_name(path.name)]:
            with suppress(OSError):
                _remove_left(left)


def _remove_left(left: Path) -> None:
    if not _is_left(left):
        return
    if left.is_dir():
        shutil.rmtree(left, ignore_errors=True)
    else:
        left.unlink(missing_ok=True)


def _is_left(left: Path) -> bool:
    maker = maker_of(left.name)
    if maker is not None and is_gone(maker):
        return True
    try:
        return file_time(left.parent) - left.stat().st_mtime > ABANDONED_SECONDS
    except FileNotFoundError:
        return False  # its maker has just renamed or removed it

"""Folders that are made beside their place and renamed to it when they are whole; those of dead processes go."""

import shutil
import uuid
from pathlib import Path

from tasks.core.base.files import file_time
from tasks.core.base.processes import from_words, is_gone, this_process

ABANDONED_SECONDS = 7 * 24 * 3600.0
"""A folder that a process of another host made is removed after so long without a change: none can see that process."""


def folder_aside(target: Path) -> Path:
    """Make an empty folder beside `target`, to be renamed to it or removed.

    Its name says which process made it: those of processes that are gone are removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.iterdir():
        is_aside = left.name.startswith(f".{target.name}.") and left.name.endswith(".tmp") and left.is_dir()
        if is_aside and _is_left(left, target):
            shutil.rmtree(left, ignore_errors=True)
    me = this_process()
    aside = target.with_name(f".{target.name}.{me.host}-{me.pid}-{me.start}.{uuid.uuid4().hex}.tmp")
    aside.mkdir()
    return aside


def _is_left(left: Path, target: Path) -> bool:
    words = left.name.removeprefix(f".{target.name}.").rpartition(".")[0].rpartition(".")[0].rsplit("-", 2)
    maker = from_words(words[0], words[1], words[2]) if len(words) == 3 else None
    if maker is not None and is_gone(maker):
        return True
    try:
        return file_time(target.parent) - left.stat().st_mtime > ABANDONED_SECONDS
    except FileNotFoundError:
        return False  # its maker has just renamed or removed it

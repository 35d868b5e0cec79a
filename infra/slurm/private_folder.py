"""A folder for a cluster's keys, gone with the process that made it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.core.base.processes import from_words, is_gone, this_process

KEYS = "private-"
"""A private folder's name begins so; the process that made it follows."""


@contextmanager
def private_folder(folder: Path, exclusive: bool) -> Iterator[Path]:
    """Have a folder for keys and passwords that only this user can read; those of processes that died are removed.

    With `exclusive` all others are: no other process works there, so theirs died, if on another host.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    me = this_process()
    for left in folder.glob(f"{KEYS}*-*-*-*"):
        maker = from_words(*left.name.removeprefix(KEYS).rsplit("-", 3)[:3])
        if exclusive or (maker is not None and is_gone(maker)):
            shutil.rmtree(left, ignore_errors=True)
    private = tempfile.mkdtemp(prefix=f"{KEYS}{me.host}-{me.pid}-{me.start}-", dir=folder)
    try:
        yield Path(private)
    finally:
        shutil.rmtree(private, ignore_errors=True)

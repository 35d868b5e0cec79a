"""Do something as a user who may not do all that root may."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65_534


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that every user may enter, as pytest's own ones are not."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for path in [*folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a while, where one is root: root may read everything."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(mine)

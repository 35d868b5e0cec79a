"""Locks between processes, of any host that mounts the folder: the kernel frees that of a process that ends."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.core.base.errors import TrainingError

LOGGER = logging.getLogger("winnow.training")


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Work while no other process holds the lock, waiting until then; the file stays, for others may have opened it.

    Raises:
        TrainingError: the file system cannot lock files.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR)
    try:
        if not try_lock(descriptor):
            LOGGER.info("waiting for another process that works on the same, and holds %s", lock)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file unless another process has it, and say whether it is ours now.

    Raises:
        TrainingError: the file system cannot lock files.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise TrainingError(
            f"the file system of work_path cannot lock files ({error}), so that two processes at the same work could "
            "not tell. Mount it with flock, or set work_path in the round file to a folder that is."
        ) from None
    return True

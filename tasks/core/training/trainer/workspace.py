"""Where a model is being trained: checkpoints to resume from, of which only whole ones count."""

import fcntl
import os
import re
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.core.base.errors import TrainingError
from tasks.core.base.files import fsync_tree, write_text
from tasks.core.base.naming import WHOLE_FILE

CHECKPOINT = re.compile(r"^checkpoint-(\d+)$")


@contextmanager
def claim_workspace(finished: Path) -> Iterator[Path]:
    """Yield the folder in which `finished` is being made; it outlives a killed process, to be resumed from.

    The lock beside it says which process is at work. Dask may run one task on two workers: the second gets a folder of
    its own, from scratch, removed afterwards.
    """
    workspace = workspace_of(finished)
    workspace.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(workspace.with_suffix(".lock"), os.O_CREAT | os.O_RDWR)
    try:
        if _is_locked(lock):
            os.truncate(lock, 0)
            os.write(lock, f"{socket.gethostname()} {os.getpid()}\n".encode())
            workspace.mkdir(exist_ok=True)
            yield workspace
            return
        private = workspace.with_name(f"{workspace.name}.{uuid.uuid4().hex}")
        private.mkdir()
        try:
            yield private
        finally:
            shutil.rmtree(private, ignore_errors=True)
    finally:
        os.close(lock)


def _is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise TrainingError(
            f"the file system of work_path cannot lock files ({error}), so that workers with one seed could not tell. "
            "Mount it with flock, or set work_path in the round file to a folder that is."
        ) from None
    return True


def workspace_of(finished: Path) -> Path:
    """Return where `finished` is being made by whoever came first."""
    return finished.with_name(f".{finished.name}.training")


def discard_workspace(workspace: Path) -> None:
    """Remove a workspace; the lock beside it stays, for another worker may just have opened it."""
    shutil.rmtree(workspace, ignore_errors=True)


def mark_whole(checkpoint: Path) -> None:
    """Say that the checkpoint is complete on disk."""
    fsync_tree(checkpoint)
    write_text(checkpoint / WHOLE_FILE, "")


def last_whole_checkpoint(workspace: Path) -> Path | None:
    """Return the newest whole checkpoint, or None; half-written ones are removed."""
    whole = {}
    for checkpoint in workspace.glob("checkpoint-*"):
        match = CHECKPOINT.match(checkpoint.name)
        if match and (checkpoint / WHOLE_FILE).is_file():
            whole[int(match.group(1))] = checkpoint
        else:
            shutil.rmtree(checkpoint)
    return whole[max(whole)] if whole else None

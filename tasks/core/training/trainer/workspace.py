"""Where a model is being trained: checkpoints to resume from, of which only whole ones count."""

import logging
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.core.base.errors import FormatError, TrainingError
from tasks.core.base.files import fsync_tree, sha256_of_folder
from tasks.core.base.folders_aside import folder_aside, sweep
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.base.locks import try_lock
from tasks.core.base.naming.file_names import WHOLE_FILE

LOGGER = logging.getLogger("winnow.training")
CHECKPOINT = re.compile(r"^checkpoint-(\d+)$")


@dataclass(frozen=True)
class WholeCheckpoint:
    """What a checkpoint's marker says, which is written last."""

    files: dict[str, str]
    """Each of the checkpoint's files has its sha256 here, by name."""


WHOLE = FileFormat(
    kind="training checkpoint's marker",
    number=1,
    schema=WholeCheckpoint,
    remedy="Delete its checkpoint and run the flow again",
)


@contextmanager
def claim_workspace(finished: Path) -> Iterator[Path]:
    """Yield the folder in which `finished` is being made; it outlives a killed process, to be resumed from.

    The lock beside it says which process is at work. Dask may run one task on two workers: the second gets a folder of
    its own, from scratch, removed afterwards; where that worker is killed, by the next one.
    """
    workspace = workspace_of(finished)
    workspace.parent.mkdir(parents=True, exist_ok=True)
    sweep(workspace.parent)
    lock = os.open(workspace.with_suffix(".lock"), os.O_CREAT | os.O_RDWR)
    try:
        if try_lock(lock):
            os.truncate(lock, 0)
            os.write(lock, f"{socket.gethostname()} {os.getpid()}\n".encode())
            workspace.mkdir(exist_ok=True)
            yield workspace
            return
        with folder_aside(workspace) as private:
            yield private
    finally:
        os.close(lock)


def workspace_of(finished: Path) -> Path:
    """Return where `finished` is being made by whoever came first."""
    return finished.with_name(f".{finished.name}.training")


def has_begun(finished: Path) -> bool:
    """Say whether `finished` is there, or somebody began to make it."""
    return finished.exists() or workspace_of(finished).exists()


def discard_workspace(workspace: Path) -> None:
    """Remove a workspace; the lock beside it stays, for another worker may just have opened it."""
    shutil.rmtree(workspace, ignore_errors=True)


def discard_left(finished: Path) -> None:
    """Remove what was left of training when `finished` was there already, unless a process is at work on it."""
    sweep(finished.parent)
    if workspace_of(finished).is_dir():
        with claim_workspace(finished) as workspace:
            discard_workspace(workspace)


def mark_whole(checkpoint: Path) -> None:
    """Say that the checkpoint is complete on disk, and what its files hold."""
    (checkpoint / WHOLE_FILE).unlink(missing_ok=True)
    fsync_tree(checkpoint)
    write_record(checkpoint / WHOLE_FILE, WHOLE, asdict(WholeCheckpoint(sha256_of_folder(checkpoint))))


def fault_of(checkpoint: Path) -> str | None:
    """Return why a checkpoint is not as it was saved, or None."""
    if not (checkpoint / WHOLE_FILE).is_file():
        return "it was not saved to its end"
    try:
        saved = WholeCheckpoint(**read_record(checkpoint / WHOLE_FILE, WHOLE)).files
    except (ValueError, FormatError) as error:
        return str(error)
    found = {name: digest for name, digest in sha256_of_folder(checkpoint).items() if name != WHOLE_FILE}
    altered = sorted(name for name in saved.keys() | found.keys() if saved.get(name) != found.get(name))
    return f"{', '.join(altered)} not as saved" if altered else None


def require_whole(checkpoint: Path) -> None:
    """Raise TrainingError when a checkpoint that was just read is not as it was saved."""
    if fault := fault_of(checkpoint):
        raise TrainingError(
            f"the checkpoint {checkpoint} is damaged: {fault}. Run the flow again, which goes on "
            "from the one before; where it happens twice, have the disk looked at."
        )


def last_whole_checkpoint(workspace: Path, best_of: Callable[[Path], str | None] = lambda _: None) -> Path | None:
    """Return the newest checkpoint that is as it was saved, or None; others are removed.

    `best_of` names the checkpoint that one needs beside it, when it has been the best so far.
    """
    whole = {}
    for checkpoint in workspace.glob("checkpoint-*"):
        match = CHECKPOINT.match(checkpoint.name)
        fault = fault_of(checkpoint) if match else "its name has no step"
        if match and fault is None:
            whole[int(match.group(1))] = checkpoint
        else:
            _remove(checkpoint, str(fault))
    for step in sorted(whole, reverse=True):
        best = best_of(whole[step])
        if best is None or best in {checkpoint.name for checkpoint in whole.values()}:
            return whole[step]
        _remove(whole.pop(step), f"the best so far, {best}, is gone")
    return None


def _remove(checkpoint: Path, fault: str) -> None:
    LOGGER.warning("training does not go on from %s: %s", checkpoint, fault)
    shutil.rmtree(checkpoint)

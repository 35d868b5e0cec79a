"""What ended launches left in a run folder: swept by the next launch, before it looks at the shards."""

from pathlib import Path

from tasks.core.base.hold import discard
from tasks.core.base.naming import FAILURES_FOLDER, LOGS_FOLDER, RECEIPTS_FOLDER, RUNNING_FOLDER
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.shards.attempts import settle_left

SWEPT = (RECEIPTS_FOLDER, LOGS_FOLDER, RUNNING_FOLDER, FAILURES_FOLDER)


def sweep(folder: RunFolder) -> None:
    """Finish what is worth it, and remove the rest: places of launches, attempts, half-made files, marks of workers.

    Call it while the launch holds the folder. Parts are never made beside their places, so these are not searched.
    """
    for path in _temporary(folder.path):
        if path.is_dir():
            settle_left(folder, path)
        else:
            path.unlink(missing_ok=True)
    for place in (folder.path / name for name in SWEPT):
        for path in _temporary(place):
            path.unlink(missing_ok=True)
    for path in sorted(folder.running_folder.iterdir()) if folder.running_folder.is_dir() else ():
        discard(path)


def _temporary(folder: Path) -> list[Path]:
    there = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in there if path.name.startswith(".") and path.name.endswith(".tmp"))

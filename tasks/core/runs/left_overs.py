"""What ended launches left in a run folder: swept by the next launch, before it looks at the shards."""

import time
from pathlib import Path

from tasks.core.base.errors import RunFolderError
from tasks.core.base.hold import discard
from tasks.core.base.naming.run_names import FAILURES_FOLDER, LOGS_FOLDER, RECEIPTS_FOLDER, RUNNING_FOLDER
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.shards.attempts import settle_left

WORKERS_END_SECONDS = 60.0
"""Workers whose launch is gone end within so long, or see that their place is."""
LOOK_AGAIN_SECONDS = 1.0
SHOWN = 3
SWEPT = (RECEIPTS_FOLDER, LOGS_FOLDER, RUNNING_FOLDER, FAILURES_FOLDER)


def sweep(folder: RunFolder) -> None:
    """Finish what is worth it, and remove the rest: places of launches, attempts, half-made files, marks of workers.

    Call it while the launch holds the folder. Parts are never made beside their places, so these are not searched.
    """
    for path in _temporary(folder.path):
        if path.is_dir():
            _end(folder, path)
        else:
            path.unlink(missing_ok=True)
    for place in (folder.path / name for name in SWEPT):
        for path in _temporary(place):
            path.unlink(missing_ok=True)
    for path in sorted(folder.running_folder.iterdir()) if folder.running_folder.is_dir() else ():
        discard(path)


def _end(folder: RunFolder, place: Path) -> None:
    """Settle an ended launch's place until it is gone: a worker whose node has not heard of it may still write there.

    Once the place is removed, not merely renamed, nothing that such a worker's node remembers leads anywhere.

    Raises:
        RunFolderError: a worker keeps making files there.
    """
    until = time.monotonic() + WORKERS_END_SECONDS
    settle_left(folder, place)
    while place.exists():
        if time.monotonic() >= until:
            names = ", ".join(sorted(path.name for path in place.iterdir())[:SHOWN])
            raise RunFolderError(
                f"{place} could not be removed for {WORKERS_END_SECONDS:.0f} s: workers of a launch that has ended "
                f"still write there ({names}), or you may not remove it. Stop them (`squeue --me` lists their jobs) or "
                "remove it, then run the flow again: it goes on where that launch stopped."
            )
        time.sleep(LOOK_AGAIN_SECONDS)
        settle_left(folder, place)


def _temporary(folder: Path) -> list[Path]:
    there = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in there if path.name.startswith(".") and path.name.endswith(".tmp"))

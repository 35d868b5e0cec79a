"""One launch at a time for a run folder: a second one is refused while the first is alive.

launch/<token>/holder.json   whose launch it is; touched every few seconds
launch/<token>/              all files that the launch and its workers make before they are renamed or linked

A folder is renamed to `launch` only where there is none, or an empty one: so of several launches one gets in. Who takes
over renames the former launch's folder away, by its token; of several, again one succeeds, and none can hit the next
launch's. Nothing that the former launch still does reaches the run folder then: see `tasks.core.base.hold`.
"""

import errno
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import write_json
from tasks.core.base.hold import holding, lost
from tasks.core.base.naming.run_names import HOLDER_FILE, coming_launch_folder, ended_launch_folder
from tasks.core.base.processes import is_gone, this_process
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_sign import STALE_SECONDS, holder_of, holding_process, silent_seconds
from tasks.core.runs.left_overs import sweep
from tasks.core.runs.shards.attempts import settle_left

BEAT_SECONDS = 10.0
LOOK_SECONDS = 60.0
"""A node may remember for so long that there was no such folder: a shared file system's attributes are kept by default
up to a minute."""
LOOK_AGAIN_SECONDS = 1.0
TRIES = 3
HELD = (errno.ENOTEMPTY, errno.EEXIST)


@contextmanager
def launch_lock(folder: Path) -> Iterator[str]:
    """Hold the run folder for this launch, and yield the token by which its workers join it.

    A killed launch's hold is taken over: at once where its process is seen to be gone, else after a minute of the file
    system's time. What an ended launch left half-made is put right or removed.

    Raises:
        RunFolderError: another launch holds it; the message says which.
    """
    token, run = uuid.uuid4().hex, RunFolder(folder)
    place = _take(run, token)
    ended = threading.Event()
    beat = threading.Thread(target=_beat, args=(place / HOLDER_FILE, ended), daemon=True)
    beat.start()
    try:
        with holding(folder, place):
            sweep(run)
            yield token
    finally:
        ended.set()
        beat.join()
        _leave(run, place)


@contextmanager
def joined(folder: Path, token: str | None) -> Iterator[None]:
    """Work for the launch of that token, as one of its workers does; without one, for none.

    Raises:
        LaunchLostError: the launch has ended, or another has taken over.
    """
    if token is None:
        yield
        return
    run = RunFolder(folder)
    if not _is_there(run, token):
        raise lost(folder)
    with holding(folder, run.launch_path / token):
        yield


def _is_there(run: RunFolder, token: str) -> bool:
    """Say whether the launch of a token holds the folder; where nobody seems to, this node may not know it yet."""
    until = time.monotonic() + LOOK_SECONDS
    while True:
        places = _places(run)
        if places or time.monotonic() >= until:
            return token in places
        time.sleep(LOOK_AGAIN_SECONDS)


def _places(run: RunFolder) -> list[str]:
    """Return the tokens of those who hold the folder; listing makes a shared file system look anew."""
    try:
        return [path.name for path in run.launch_path.iterdir()] if any(run.path.iterdir()) else []
    except (FileNotFoundError, NotADirectoryError):
        return []


def _take(run: RunFolder, token: str) -> Path:
    coming, place = run.path / coming_launch_folder(token), run.launch_path / token
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    try:
        with suppress(FileNotFoundError):  # who got in has swept what was not his
            write_json(coming / token / HOLDER_FILE, this_process().as_json() | {"started_at": started, "token": token})
            for _ in range(TRIES):
                if _renamed(coming, run.launch_path) or place.is_dir():  # a server asked twice says it is not there
                    return place
                _end_stale(run, coming)
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    raise RunFolderError(f"{run.path} was taken by another launch at the same moment; run the flow again when it ended")


def _renamed(coming: Path, launch: Path) -> bool:
    try:
        coming.rename(launch)
    except OSError as error:
        if error.errno not in (*HELD, errno.ENOENT):
            raise
        return False
    return True


def _end_stale(run: RunFolder, coming: Path) -> None:
    """Put the place of a launch aside that shows no life.

    Raises:
        RunFolderError: it does.
    """
    for place in list(run.launch_path.iterdir()) if run.launch_path.is_dir() else ():
        with suppress(FileNotFoundError):
            silent = silent_seconds(place, coming)
            holder = holder_of(place)
            process = holding_process(holder)
            if silent < STALE_SECONDS and not (process is not None and is_gone(process)):
                raise RunFolderError(
                    f"another launch works on {run.path}: process {holder.get('pid')} on {holder.get('host')}, since "
                    f"{holder.get('started_at')}, last seen {silent:.0f} s ago. Wait until it ends or stop it, then "
                    f"run the flow again: it goes on where that stopped. A launch that is silent for "
                    f"{STALE_SECONDS:.0f} s loses its hold."
                )
            place.rename(run.path / ended_launch_folder(place.name))


def _leave(run: RunFolder, place: Path) -> None:
    ended = run.path / ended_launch_folder(place.name)
    with suppress(FileNotFoundError):  # taken over
        place.rename(ended)
        settle_left(run, ended)
    with suppress(OSError):  # the next launch is in
        run.launch_path.rmdir()


def _beat(sign: Path, ended: threading.Event) -> None:
    """Touch the launch's own sign, which nobody else's can be: once it is taken over, it is not there."""
    while not ended.wait(BEAT_SECONDS):
        with suppress(OSError):  # a missed beat is made up by the next
            os.utime(sign)

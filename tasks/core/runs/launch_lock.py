"""One launch at a time for a run folder: a second one is refused while the first is alive."""

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import write_json
from tasks.core.base.naming import LOCK_FILE
from tasks.core.base.processes import ProcessIdentity, from_json, is_gone, this_process

BEAT_SECONDS = 10.0
STALE_SECONDS = 60.0
"""Another launch takes over after so long without a sign; it is several beats, as a shared file system may be slow."""


@contextmanager
def launch_lock(folder: Path) -> Iterator[None]:
    """Hold the run folder for this launch, with a sign of life every few seconds.

    A killed launch's lock is taken over: at once where its process is seen to be gone, else after a minute. Two
    launches that both got in would write the same bytes, so nothing is ever doubled; they would do the work twice.

    Raises:
        RunFolderError: another launch holds it; the message says which.
    """
    lock = folder / LOCK_FILE
    token = uuid.uuid4().hex
    _take(lock, token)
    ended = threading.Event()
    beat = threading.Thread(target=_beat, args=(lock, ended), daemon=True)
    beat.start()
    try:
        yield
    finally:
        ended.set()
        beat.join()
        if _holder(lock).get("token") == token:
            lock.unlink(missing_ok=True)


def _take(lock: Path, token: str) -> None:
    own = lock.with_name(f".{lock.name}.{token}.tmp")
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    write_json(own, this_process().as_json() | {"started_at": started, "token": token})
    try:
        for _ in range(2):
            with suppress(FileExistsError):
                os.link(own, lock)  # fails where the lock exists, in one step, also on a shared file system
                return
            _require_stale(lock)
            lock.unlink(missing_ok=True)
        raise RunFolderError(f"{lock} was taken by another launch at the same moment; run the flow again when it ended")
    finally:
        own.unlink()


def _require_stale(lock: Path) -> None:
    holder = _holder(lock)
    with suppress(FileNotFoundError):
        silent = time.time() - lock.stat().st_mtime
        process = holding_process(holder)
        if silent < STALE_SECONDS and not (process is not None and is_gone(process)):
            raise RunFolderError(
                f"another launch works on {lock.parent}: process {holder.get('pid')} on {holder.get('host')}, since "
                f"{holder.get('started_at')}, last seen {silent:.0f} s ago. Wait until it ends or stop it, then run "
                f"the flow again: it goes on where that stopped. A launch that is silent for {STALE_SECONDS:.0f} s "
                "loses its hold."
            )


def _holder(lock: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(lock.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def holding_process(holder: dict[str, Any]) -> ProcessIdentity | None:
    """Return the process of a lock's content, or None for a torn one; older versions wrote no start of it."""
    try:
        return from_json(holder, datetime.fromisoformat(str(holder.get("started_at"))).timestamp())
    except ValueError:
        return None


def _beat(lock: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        with suppress(OSError):  # a missed beat is made up by the next
            os.utime(lock)

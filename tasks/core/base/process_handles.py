"""Handles on processes that are there, to signal them and to wait for their end."""

import psutil

from tasks.core.base.processes import Presence, ProcessIdentity, presence


def find(process: ProcessIdentity) -> psutil.Process | None:
    """Return a handle on a process that is there, by which to signal it; psutil refuses it for a later one's pid."""
    try:
        handle = psutil.Process(process.pid)
    except psutil.NoSuchProcess:
        return None
    return handle if presence(process) is Presence.THERE else None


def is_alive(handle: psutil.Process) -> bool:
    """Say whether the process of a handle does anything; a zombie only waits to be asked for by its parent."""
    try:
        return bool(handle.is_running() and handle.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

"""Who a process is, and whether it is still there. Nothing else in Winnow asks, but `process_handles` for signals.

Only the standard library is imported: registered models carry this module.

A pid is given to another process after its own has ended. So a process is known by its host, its pid and its start: the
kernel's boot, and the clock tick since then. Setting the host's clock changes neither. Other hosts cannot be looked
into: of a process there it is known only that its SLURM job has ended. Nor can other containers of this host, which
may share its name and count their own pids: the start says whose count it is, too.
"""

import os
import re
import socket
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

CLOCK_SECONDS = 60
"""A clock that is set again may move the times in records of older versions by so much."""
_START = re.compile(r"[0-9a-z]+\.\d+")
COUNTED_BY = "x"
"""This parts the kernel's boot, which is hexadecimal, from the number of a namespace."""
_ENDED_STATES = ("Z", "X", "x")
"""The kernel gives these letters to processes that only wait for their parent to ask for them."""
_EXITING = 0x4
"""The kernel sets this flag, PF_EXITING, on a process that it is taking down: its locks are free before it is gone."""


class Presence(StrEnum):
    """What is seen of a process."""

    THERE = "there"
    GONE = "gone"
    UNSEEN = "cannot be seen from here"


@dataclass(frozen=True)
class ProcessIdentity:
    """What tells a process from all others, of all hosts and times; all of it can be written as JSON."""

    host: str
    """The process runs on the machine of this name."""
    pid: int
    """The host calls the process by this number, which a later process may get."""
    start: str | None
    """The kernel's boot, who counts its pids and the clock tick of the start tell it apart, `0d2f4a95x402.171845`;
    older records have None."""
    slurm_job: str | None = field(default=None, compare=False)
    """The process is part of the SLURM job of this number; None outside SLURM."""
    started_by: float | None = None
    """Records of older versions name a time by which it had started, in seconds since the epoch."""

    def as_json(self) -> dict[str, Any]:
        """Return what is written into files; `from_json` reads it."""
        return {"host": self.host, "pid": self.pid, "start": self.start, "slurm_job": self.slurm_job}


def this_process() -> ProcessIdentity:
    """Return who this process is."""
    return process_of(os.getpid(), os.environ.get("SLURM_JOB_ID"))


def process_of(pid: int, slurm_job: str | None = None) -> ProcessIdentity:
    """Return who has this pid on this host now.

    Raises:
        ProcessLookupError: nobody has.
    """
    found = _look(pid)
    if found is None:
        raise ProcessLookupError(f"there is no process {pid} on {socket.gethostname()}")
    return ProcessIdentity(socket.gethostname(), pid, found[1], slurm_job)


def from_json(content: Mapping[str, Any], started_by: float | None = None) -> ProcessIdentity | None:
    """Read an identity out of a file's content, or None where there is none.

    `started_by` is for content without a start, as older versions wrote it.
    """
    host, pid = str(content.get("host") or ""), str(content.get("pid"))
    return from_words(host, pid, content.get("start") or started_by, content.get("slurm_job"))


def from_words(host: str, pid: str, start: str | float | None, slurm_job: str | None = None) -> ProcessIdentity | None:
    """Read an identity out of the words of a name, or None where they are none.

    Older versions wrote seconds since the epoch for the start.
    """
    if not (host and pid.isdecimal()):
        return None
    if isinstance(start, str) and _START.fullmatch(start):
        return ProcessIdentity(host, int(pid), start, slurm_job)
    if start is None or (isinstance(start, str) and not start.isdecimal()):
        return None
    return ProcessIdentity(host, int(pid), None, slurm_job, float(start))


def presence(process: ProcessIdentity, ended_jobs: Container[str] = ()) -> Presence:
    """Say what is seen of a process; `ended_jobs` are numbers of SLURM jobs that are known to have ended."""
    if process.slurm_job is not None and process.slurm_job in ended_jobs:
        return Presence.GONE
    if process.host != socket.gethostname() or _is_elsewhere(process):
        return Presence.UNSEEN
    found = _look(process.pid)
    if found is None:
        return Presence.UNSEEN if _is_hidden(process.pid) else Presence.GONE
    state, start = found
    is_same = _is_same_start(start, process.start) if process.start else _had_started(process, start)
    return Presence.THERE if is_same and state not in _ENDED_STATES else Presence.GONE


def is_gone(process: ProcessIdentity, ended_jobs: Container[str] = ()) -> bool:
    """Say whether a process is seen to be gone; one that cannot be seen from here never is."""
    return presence(process, ended_jobs) is Presence.GONE


def _look(pid: int) -> tuple[str, str] | None:
    """Return the state and the start of whoever has a pid, None for nobody; a program's name may hold brackets."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state = _ENDED_STATES[-1] if int(after_name[6]) & _EXITING else after_name[0].decode()
    return state, f"{_boot()}{COUNTED_BY}{_namespace()}.{int(after_name[19])}"


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").split("-")[0]
    except FileNotFoundError:
        return "unknown"


@cache
def _namespace() -> str:
    """Return the number of the namespace that this process's pids are counted in, as the kernel names it."""
    return Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")


def _is_elsewhere(process: ProcessIdentity) -> bool:
    """Say whether a process of this boot has its pid from another namespace, as another container has one."""
    boot, namespace, _ = _parts(process.start or "")
    return boot == _boot() and namespace not in ("", _namespace())


def _is_same_start(one: str, other: str) -> bool:
    (boot, _, tick), (other_boot, _, other_tick) = _parts(one), _parts(other)
    return (boot, tick) == (other_boot, other_tick)


def _parts(start: str) -> tuple[str, str, str]:
    """Return the boot, the namespace, which older records do not note, and the tick."""
    before, _, tick = start.partition(".")
    boot, _, namespace = before.partition(COUNTED_BY)
    return boot, namespace, tick


def _is_hidden(pid: int) -> bool:
    """Whether there is a process that this user is not shown, as where /proc is mounted with hidepid."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return False


def _had_started(process: ProcessIdentity, start: str) -> bool:
    """Whether whoever has the pid had started when an older version wrote its record."""
    started = _boot_time() + int(_parts(start)[2]) / os.sysconf("SC_CLK_TCK")
    return process.started_by is None or started <= process.started_by + CLOCK_SECONDS


def _boot_time() -> int:
    """Return when the kernel was booted, in seconds since the epoch, by the host's present clock."""
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("btime "))

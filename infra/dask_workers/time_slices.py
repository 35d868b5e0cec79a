"""Long time slices for the tasks of a Dask worker, as its preload.

Where more workers compute than there are cores, the kernel takes turns between them, by default every few milliseconds,
and each turn begins with another's data in the core's caches. Whoever has a core to himself is not concerned.
"""

import ctypes
import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Worker

SLICE_NANOSECONDS = 100_000_000
"""Linux grants no longer slice than this."""
GET, SET = {"x86_64": (315, 314), "aarch64": (275, 274)}.get(platform.machine(), (-1, -1))
"""The numbers stand for sched_getattr(2) and sched_setattr(2), which older C libraries do not offer by name."""
FAIR_POLICIES = (os.SCHED_OTHER, os.SCHED_BATCH)


class Attributes(ctypes.Structure):
    """`struct sched_attr` of sched_setattr(2). `runtime` is the slice in ns that a thread of a fair policy asks for."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def dask_setup(worker: "Worker") -> None:
    """Let the thread that runs the worker's tasks, and the threads that its libraries start, have long slices."""
    worker.executors["default"].submit(take_long_slices)


def take_long_slices() -> None:
    """Ask for long slices for the calling thread; kernels before Linux 6.12 take no notice.

    Raises:
        OSError: the kernel knows no such request.
    """
    attributes = thread_attributes()
    if attributes.policy in FAIR_POLICIES:
        attributes.runtime = SLICE_NANOSECONDS
        _call(SET, ctypes.byref(attributes), 0)


def thread_attributes() -> Attributes:
    """Return how the kernel schedules the calling thread.

    Raises:
        OSError: the kernel does not say.
    """
    attributes = Attributes()
    _call(GET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
    return attributes


def _call(number: int, *arguments: object) -> None:
    """Do a system call for the calling thread."""
    if ctypes.CDLL(None, use_errno=True).syscall(number, 0, *arguments):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))

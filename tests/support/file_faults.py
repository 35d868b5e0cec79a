"""Let the system fail at chosen opens, reads and writes of files: real calls, of Python and of Arrow alike.

A test starts a process of its own with `faulty_environment`; in it `planned_fault` says which call fails.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")
KINDS = ("open", "read", "write")


def faulty_environment(folder: Path) -> dict[str, str]:
    """Build the library below `folder` and return the environment of a process that runs with it."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("not run: faults of files are made by a small C library, and there is no C compiler (cc)")
    library = folder / "file_faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    root = SOURCE.parents[2]
    return os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": str(root)}


@contextmanager
def planned_fault(below: Path, kind: str, nth: int, number: int = 0, lasting: bool = False) -> Iterator[None]:
    """Let the `nth` call of a kind on files below a folder fail with an errno; 0: none, calls are counted only."""
    library = ctypes.CDLL(None)
    library.winnow_plan_fault(os.fsencode(below), KINDS.index(kind), ctypes.c_long(nth), number, int(lasting))
    try:
        yield
    finally:
        library.winnow_plan_fault(b"", -1, ctypes.c_long(0), 0, 0)


def calls_made(kind: str) -> int:
    """Return how many calls of a kind were made since the fault was planned."""
    count = ctypes.CDLL(None).winnow_count
    count.restype = ctypes.c_long
    return int(count(KINDS.index(kind)))

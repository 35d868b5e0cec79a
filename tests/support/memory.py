"""The most memory that this program has held, by the kernel's own mark.

`getrusage` is not asked: its `ru_maxrss` begins at what the process held that started this one, so a small program that
a large one starts seems not to grow.
"""

from pathlib import Path


def peak_kibibytes() -> int:
    """Return the high-water mark of this process since it became this program."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

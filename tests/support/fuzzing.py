"""Give readers damaged input, a number of times or for a while: they read it or raise errors of ours."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.core.base.errors import WinnowError
from tests.support.examples import examples

SECONDS = float(os.environ.get("WINNOW_FUZZ_SECONDS", "600"))
"""All drills of one file together take so long."""
SHORT = 60
"""The ordinary tests draw so many inputs of each kind."""
AT_ONCE = 500

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "delete", "insert", "repeat", "cut"]), st.floats(0, 1), st.binary(max_size=12)
    ),
    max_size=5,
)
"""Changes of a file's bytes: what is done, where (more often near the end), and with which bytes."""


def changed(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    """Return the bytes after all changes."""
    for kind, where, given_bytes in changes:
        at = int((1 - where * where) * max(len(content) - 1, 0))
        length = max(len(given_bytes), 1)
        old = content[at : at + length]
        new = {
            "set": given_bytes,
            "flip": bytes(byte ^ 1 << (len(given_bytes) % 8) for byte in old),
            "delete": b"",
            "insert": given_bytes + old,
            "repeat": old * 3,
        }
        content = content[:at] if kind == "cut" else content[:at] + new[kind] + content[at + length :]
    return content


def fuzz(read: Callable[[Any], object], inputs: st.SearchStrategy[Any], seconds: float | None = None) -> int:
    """Read drawn inputs, SHORT of them or for so many seconds, and return how many; errors not ours are raised."""
    done = 0

    # The short form always draws the same, so that it fails for the change that broke it.
    always = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

    @settings(always, max_examples=_count(seconds), derandomize=seconds is None)
    @given(inputs)
    def once(drawn: Any) -> None:
        nonlocal done
        done += 1
        with suppress(WinnowError):
            read(drawn)

    end = time.monotonic() + (seconds or 0)
    once()
    while time.monotonic() < end:
        once()
    return done


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Make a folder in memory where there is one: each input is written, and waiting for a disk is most of the time."""
    memory = Path("/dev/shm")  # noqa: S108 - Linux's folder in memory
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def _count(seconds: float | None) -> int:
    return examples(SHORT) if seconds is None else AT_ONCE

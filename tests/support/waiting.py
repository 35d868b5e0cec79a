"""Waiting in tests: for something to happen, for as long as it can still come.

A busy machine fails no test. A wait ends well when its condition holds, and badly when `alive` says that what should
bring it about is gone, or when `progress`, whatever of it can be seen to change, stands still. Seconds by the clock
end nothing: pauses are counted, and a machine that is busy or asleep makes fewer of them.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import psutil

PAUSE_SECONDS = 0.1
LAST_RESORT_SECONDS = 1_200.0
"""Pauses of a wait in all, since the last progress, where neither `alive` nor `progress` tells; also for clients that
must be given a time."""
Found = TypeVar("Found")


def wait_for(
    condition: Callable[[], Found],
    what: str,
    alive: Callable[[], Any] = lambda: True,
    progress: Callable[[], Any] = lambda: None,
    told: Callable[[], Any] = lambda: "",
    pause_seconds: float = PAUSE_SECONDS,
) -> Found:
    """Wait until the condition returns something true, and return it.

    `what` is what the condition says, such as "the job ran"; what `told` returns, such as a log, ends the message.

    Raises:
        AssertionError: it cannot come any more.
    """
    seen, pauses = progress(), 0
    while not (found := condition()):
        if not alive():
            found = condition()  # it may have come with the end
            assert found, f"what should bring it about ended before {what}\n{told()}"
            break
        assert pauses * pause_seconds < LAST_RESORT_SECONDS, f"all stood still before {what}\n{told()}"
        time.sleep(pause_seconds)
        seen, last = progress(), seen
        pauses = pauses + 1 if seen == last else 0
    return found


def is_alive(process: psutil.Process) -> bool:
    """Say whether a process runs; a dead one that its parent did not ask for yet does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

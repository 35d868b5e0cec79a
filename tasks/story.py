"""What a run says while it goes on, in the field's words: sub-flows and Dask workers alike.

A line stands in the log of the flow run that says it and of those above it. So the one that a person started has them
all, in Prefect's UI and for `winnow run`, which prints these lines.
"""

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
from prefect.exceptions import MissingContextError, PrefectHTTPStatusError
from prefect.logging import get_logger, get_run_logger
from prefect.logging.handlers import APILogHandler
from prefect.runtime import flow_run

Say = Callable[[str], None]
"""It is called with a line."""
OWN = "story"
"""A run's logger has such a child for these lines."""
ABOVE = "winnow.story"
"""What is said in a sub-flow stands under this logger in the flow runs above it."""
LOGGERS = frozenset({f"prefect.flow_runs.{OWN}", f"prefect.task_runs.{OWN}", ABOVE})
FIRST_WAIT_SECONDS = 10.0
GROWTH = 0.02
"""The wait for another line is this share of the time that has passed: some 270 lines in ten hours."""


def say(line: str, level: int = logging.INFO) -> None:
    """Log a line for the person who started the run, in the flow or task run that is at work, if one is."""
    try:
        own: Any = get_run_logger()
    except MissingContextError:
        own = get_logger()
    own.getChild(OWN).log(level, line)
    for flow_run_id in _runs_above():
        _logger_above().log(level, line, extra={"flow_run_id": flow_run_id})


def warn(line: str) -> None:
    """Log a line that a person should not miss."""
    say(line, logging.WARNING)


def of(subject: str) -> Say:
    """Return what says lines of a label, a seed or another subject."""
    return lambda line: say(f"{subject}: {line}")


class Seldom:
    """Says when another line is due: every ten seconds at first, and the less often the longer it takes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = self._last = clock()

    @property
    def seconds(self) -> float:
        """So long ago it began."""
        return self._clock() - self._started

    def is_due(self) -> bool:
        """Say whether a line is due; if so, the next one is due after a wait."""
        wait = max(FIRST_WAIT_SECONDS, GROWTH * (self._last - self._started))
        if self._clock() - self._last < wait:
            return False
        self._last = self._clock()
        return True


def flow_run_above() -> str | None:
    """Return the flow run that began the one at work, or that one itself where nothing did; None outside flow runs."""
    above: str | None = flow_run.parent_flow_run_id or flow_run.id
    return above


def _runs_above() -> set[str]:
    """Return the flow runs above the one at work; none where Prefect's server is not there to be asked."""
    own = flow_run.id
    try:
        return set() if own is None else set(_found_above(own)) - {own}
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        get_run_logger().debug("the flow runs above are not known: %r", error)
        return set()


@cache
def _found_above(_own: str) -> tuple[str, ...]:
    """Ask the server, once a process and flow run, which one began the flow run at work, and which one all of them."""
    parent = flow_run.parent_flow_run_id
    return () if parent is None else (parent, flow_run.root_flow_run_id)


@cache
def _logger_above() -> logging.Logger:
    """Return a logger whose lines go to Prefect's server alone; the console has them by the run's own."""
    logger = logging.getLogger(ABOVE)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(APILogHandler())
    return logger

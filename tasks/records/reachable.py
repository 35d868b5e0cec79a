"""Whether the tracking server answers, and what is said where it does not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx

from tasks.core.base.errors import TrackingAwayError, WinnowError
from tasks.records.tracked_run import TrackingError
from tasks.records.tracking import tracking_uri

PROBE_SECONDS = 5.0
"""A server that does not say within this time that it is well does not answer."""
TRIES_VARIABLE = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
TRIES_WHILE_WORKING = "1"
"""MLflow would ask for four minutes; work that waits for no answer has it ask so often again."""
PASSING = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED")
"""MLflow's client says one of these where a connection breaks, and its server where it has trouble of its own."""


def answers(address: str | None = None) -> bool:
    """Say whether the tracking server is well; without an `address`, it is the environment's server.

    Raises:
        RegistryError: MLFLOW_TRACKING_URI is not set.
    """
    address = address or tracking_uri()
    if not address.startswith("http"):
        return True  # a database's address
    try:
        status = httpx.get(f"{address.rstrip('/')}/health", timeout=PROBE_SECONDS).status_code
    except httpx.TransportError:
        return False
    return status < HTTPStatus.INTERNAL_SERVER_ERROR


@contextmanager
def needs_server(kept: str) -> Iterator[None]:
    """Ask the tracking server inside the block; it is not asked for minutes where it is away.

    `kept` says in whole sentences what is safe without it, and what a person does when it is back.

    Raises:
        TrackingAwayError: it does not answer, or stopped to.
    """
    if not answers():
        raise _away("it does not answer", kept)
    try:
        yield
    except WinnowError:
        raise
    except (TrackingError, OSError) as error:
        if getattr(error, "error_code", "") not in PASSING and answers():
            raise
        raise _away(" ".join(str(error).split())[:300], kept) from error


@contextmanager
def few_tries() -> Iterator[None]:
    """Let MLflow's client give up soon inside the block, unless the environment says how often it tries again."""
    if TRIES_VARIABLE in os.environ:
        yield
        return
    os.environ[TRIES_VARIABLE] = TRIES_WHILE_WORKING
    try:
        yield
    finally:
        os.environ.pop(TRIES_VARIABLE, None)


def _away(reason: str, kept: str) -> TrackingAwayError:
    return TrackingAwayError(f"the MLflow server at {tracking_uri()} is away: {reason}. {kept}")

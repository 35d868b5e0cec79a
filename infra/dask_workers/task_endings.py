"""How Prefect tasks on Dask ended: done, failed, or lost with their worker.

`PrefectFuture.wait` is not trusted: when Dask gives a task up, it returns, the task run stays Running for ever, and
Prefect's retries never fire (prefect-dask 0.3.7). The wrapped Dask future knows better.

Neither is Prefect's server needed while tasks run: it may be down for longer than Prefect's client tries again.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import httpx
from distributed import CancelledError, KilledWorker
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging import get_run_logger
from prefect.states import Crashed

from infra.errors import ClusterError

K = TypeVar("K", bound=Hashable)
NO_SERVER = "Failed to reach API"
"""Prefect raises this in a worker process that starts while its server is down, before the task begins."""


@dataclass
class Settled(Generic[K]):
    """How tasks ended, by key."""

    results: dict[K, Any] = field(default_factory=dict)
    failures: dict[K, BaseException] = field(default_factory=dict)
    """These tasks raised, or died with their worker in every attempt."""
    lost: dict[K, BaseException] = field(default_factory=dict)
    """These died with their worker, or need another machine (`elsewhere` of their error), and are given out again."""


def sort_in(settled: Settled[K], key: K, future: Any) -> None:
    """Put a task that Dask has done with where it belongs."""
    try:
        state: State[Any] = future.wrapped_future.result()
    except (KilledWorker, CancelledError, OSError) as error:
        settled.lost[key] = error
        _mark_crashed(future.task_run_id, error)
        return
    except Exception as error:  # noqa: BLE001 - Dask re-raises anything that broke on the way to or from the worker
        kept = settled.lost if NO_SERVER in str(error) else settled.failures
        kept[key] = error
        _mark_crashed(future.task_run_id, error)
        return
    result = state.result(raise_on_failure=False)
    if state.is_completed():
        settled.results[key] = result
    elif getattr(result, "elsewhere", False):
        settled.lost[key] = result
    else:
        settled.failures[key] = result if isinstance(result, BaseException) else ClusterError(f"{key} ended {state}")


def _mark_crashed(task_run_id: Any, error: Exception) -> None:
    """Give a lost task run its true state; a task that never started has no record, and needs none."""
    with without_server(), get_client(sync_client=True) as client:
        try:
            client.set_task_run_state(task_run_id, Crashed(message=f"Dask gave it up: {error}"), force=True)
        except PrefectHTTPStatusError as missing:
            if missing.response.status_code != HTTPStatus.NOT_FOUND:
                raise
            get_run_logger().debug("task run %s was lost before it started", task_run_id)


@contextmanager
def without_server() -> Iterator[None]:
    """Go on when Prefect's server cannot be told: the tasks need it no more, and people see the warning."""
    try:
        yield
    except (httpx.TransportError, PrefectHTTPStatusError) as error:
        get_run_logger().warning("Prefect's server was not told how the tasks stand; they go on: %r", error)

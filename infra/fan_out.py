"""Run Prefect tasks on Dask to the end, also when workers die.

`PrefectFuture.wait` is not trusted: when Dask gives a task up, it returns, the task run stays Running for ever, and
Prefect's retries never fire (prefect-dask 0.3.7). The wrapped Dask future knows better.
"""

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from distributed import CancelledError, KilledWorker
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Crashed

from infra.errors import ClusterError

K = TypeVar("K", bound=Hashable)
POLL_SECONDS = 1.0


@dataclass
class Settled(Generic[K]):
    """How tasks ended, by key."""

    results: dict[K, Any] = field(default_factory=dict)
    failures: dict[K, BaseException] = field(default_factory=dict)
    """The task raised, or died with its worker in every attempt."""
    lost: dict[K, BaseException] = field(default_factory=dict)
    """The task died with its worker, and may be given out again."""


def run_all(
    submit: Callable[[K], PrefectFuture[Any]],
    keys: Iterable[K],
    attempts: int,
    tick: Callable[[], None] = lambda: None,
) -> dict[K, Any]:
    """Submit a task for each key and return every result; see `settle_all`.

    Raises:
        ClusterError: a task was lost in every one of `attempts` attempts.
        Exception: what the first failing task raised; the others are in the log.
    """
    settled = settle_all(submit, keys, attempts, tick)
    if settled.failures:
        raise next(iter(settled.failures.values()))
    return settled.results


def settle_all(
    submit: Callable[[K], PrefectFuture[Any]],
    keys: Iterable[K],
    attempts: int,
    tick: Callable[[], None] = lambda: None,
) -> Settled[K]:
    """Submit a task for each key and wait for all; tasks lost with their worker are submitted again.

    `tick` is called about once a second while tasks run. A task lost in every one of `attempts` attempts counts as
    failed with a ClusterError.
    """
    logger = get_run_logger()
    whole: Settled[K] = Settled()
    pending = list(keys)
    for attempt in range(1, attempts + 1):
        settled = _settle({key: submit(key) for key in pending}, tick)
        whole.results |= settled.results
        whole.failures |= settled.failures
        for key, failure in settled.failures.items():
            logger.error("%s failed: %s", key, failure)
        pending = list(settled.lost)
        for key, cause in settled.lost.items():
            logger.warning("attempt %d of %d: %s was lost with its worker: %s", attempt, attempts, key, cause)
            whole.lost[key] = cause
    for key in pending:
        whole.failures[key] = ClusterError(
            f"'{key}' was lost with its Dask worker in each of {attempts} attempts; the last: {whole.lost[key]}. Dask "
            "workers that die again and again usually lack memory: see the cluster's logs. What is finished is kept; "
            "run the flow again."
        )
    return whole


def _settle(futures: dict[K, Any], tick: Callable[[], None]) -> Settled[K]:
    """Wait until Dask has done with every future, and sort them by how they ended."""
    settled: Settled[K] = Settled()
    while futures:
        done = [key for key, future in futures.items() if future.wrapped_future.done()]
        for key in done:
            # Popped for good: Dask runs a finished task again, when its worker dies, for as long as its future is held.
            _sort_in(settled, key, futures.pop(key))
        tick()
        if futures:
            time.sleep(POLL_SECONDS)
    return settled


def _sort_in(settled: Settled[K], key: K, future: Any) -> None:
    try:
        state: State[Any] = future.wrapped_future.result()
    except (KilledWorker, CancelledError, OSError) as error:
        settled.lost[key] = error
        _mark_crashed(future.task_run_id, error)
        return
    except Exception as error:  # noqa: BLE001 - Dask re-raises anything that broke on the way to or from the worker
        settled.failures[key] = error
        _mark_crashed(future.task_run_id, error)
        return
    result = state.result(raise_on_failure=False)
    if state.is_completed():
        settled.results[key] = result
    else:
        settled.failures[key] = result if isinstance(result, BaseException) else ClusterError(f"{key} ended {state}")


def _mark_crashed(task_run_id: Any, error: Exception) -> None:
    """Give a lost task run its true state; a task that never started has no record, and needs none."""
    with get_client(sync_client=True) as client:
        try:
            client.set_task_run_state(task_run_id, Crashed(message=f"Dask gave it up: {error}"), force=True)
        except PrefectHTTPStatusError as missing:
            if missing.response.status_code != HTTPStatus.NOT_FOUND:
                raise
            get_run_logger().debug("task run %s was lost before it started", task_run_id)

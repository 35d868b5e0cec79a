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
class _Settled(Generic[K]):
    results: dict[K, Any] = field(default_factory=dict)
    failures: dict[K, BaseException] = field(default_factory=dict)
    """The task raised: running it again would raise it again."""
    lost: dict[K, BaseException] = field(default_factory=dict)
    """The task died with its worker."""


def run_all(
    submit: Callable[[K], PrefectFuture[Any]],
    keys: Iterable[K],
    attempts: int,
    tick: Callable[[], None] = lambda: None,
) -> dict[K, Any]:
    """Submit a task for each key and return every result; tasks lost with their worker are submitted again.

    `tick` is called about once a second while tasks run.

    Raises:
        ClusterError: a task was lost in every one of `attempts` attempts.
        Exception: what the first failing task raised; the others are in the log.
    """
    logger = get_run_logger()
    pending = list(keys)
    results: dict[K, Any] = {}
    for attempt in range(1, attempts + 1):
        settled = _settle({key: submit(key) for key in pending}, tick)
        results |= settled.results
        for key, failure in settled.failures.items():
            logger.error("%s failed: %s", key, failure)
        if settled.failures:
            raise next(iter(settled.failures.values()))
        pending = list(settled.lost)
        if not pending:
            return results
        for key, cause in settled.lost.items():
            logger.warning("attempt %d of %d: %s was lost with its worker: %s", attempt, attempts, key, cause)
    raise ClusterError(
        f"{len(pending)} Prefect tasks were lost with their Dask workers in each of {attempts} attempts: {pending}; "
        f"the last: {cause}. Dask workers that die again and again usually lack memory: see the cluster's logs. "
        "What is finished is kept; run the flow again."
    )


def _settle(futures: dict[K, Any], tick: Callable[[], None]) -> _Settled[K]:
    """Wait until Dask has done with every future, and sort them by how they ended."""
    settled: _Settled[K] = _Settled()
    while futures:
        done = [key for key, future in futures.items() if future.wrapped_future.done()]
        for key in done:
            # Popped for good: Dask runs a finished task again, when its worker dies, for as long as its future is held.
            _sort_in(settled, key, futures.pop(key))
        tick()
        if futures:
            time.sleep(POLL_SECONDS)
    return settled


def _sort_in(settled: _Settled[K], key: K, future: Any) -> None:
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

"""Run Prefect tasks on Dask to the end, also when workers die."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger

from infra.dask_workers.task_endings import K, Settled, sort_in, without_server
from infra.dask_workers.worker_logs import send_worker_logs
from infra.errors import ClusterError
from infra.slurm.job_keeper import require_kept

FIRST_POLL_SECONDS, POLL_SECONDS = 0.05, 1.0
POLL_SHARE = 0.2
"""Futures are looked at again after this part of the time waited so far: short tasks wait for no long poll."""


def run_all(
    submit: Callable[[K], PrefectFuture[Any]],
    keys: Iterable[K],
    attempts: int,
    tick: Callable[[int], None] = lambda _: None,
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
    tick: Callable[[int], None] = lambda _: None,
) -> Settled[K]:
    """Submit a task for each key and wait for all; tasks lost with their worker are submitted again.

    `tick` is called about once a second while tasks run, at first more often, with how many have ended well; where
    Prefect's server does not answer it, it is left out. A task lost in every one of `attempts` attempts counts as
    failed with a ClusterError.
    """
    logger = get_run_logger()
    whole: Settled[K] = Settled()
    pending = list(keys)
    for attempt in range(1, attempts + 1):
        settled = _settle({key: submit(key) for key in pending}, tick, len(whole.results))
        whole.results |= settled.results
        whole.failures |= settled.failures
        for key, failure in settled.failures.items():
            logger.error("%s failed: %s", key, failure)
        pending = list(settled.lost)
        for key, cause in settled.lost.items():
            logger.warning("attempt %d of %d: %s needs another worker: %s", attempt, attempts, key, cause)
            whole.lost[key] = cause
    for key in pending:
        whole.failures[key] = _given_up(key, attempts, whole.lost[key])
    return whole


def _given_up(key: K, attempts: int, cause: BaseException) -> BaseException:
    """Return the error of a task that no worker has done."""
    if getattr(cause, "elsewhere", False):
        return cause
    return ClusterError(
        f"'{key}' was lost with its Dask worker in each of {attempts} attempts; the last: {cause}. Dask workers that "
        "die again and again usually lack memory: see the cluster's logs. What is finished is kept; run the flow again."
    )


def _settle(futures: dict[K, Any], tick: Callable[[int], None], before: int) -> Settled[K]:
    """Wait until Dask has done with every future, and sort them by how they ended.

    Raises:
        ClusterError: the cluster cannot be kept up, so that there would be no end to the waiting.
    """
    settled: Settled[K] = Settled()
    began = time.monotonic()
    client = next((getattr(future.wrapped_future, "client", None) for future in futures.values()), None)
    while futures:
        done = [key for key, future in futures.items() if future.wrapped_future.done()]
        for key in done:
            # Popped for good: Dask runs a finished task again, when its worker dies, for as long as its future is held.
            sort_in(settled, key, futures.pop(key))
        with without_server():
            tick(before + len(settled.results))
        if futures:
            require_kept()
            waited = time.monotonic() - began
            time.sleep(min(POLL_SECONDS, max(FIRST_POLL_SECONDS, POLL_SHARE * waited)))
    if client is not None:
        send_worker_logs(client)
    return settled

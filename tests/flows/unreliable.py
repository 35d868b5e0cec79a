"""Flows and tasks that go wrong on purpose; in a module, so that Dask workers can import them."""

import os
import signal
import time
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from infra.fan_out import run_all
from tasks.core.base.errors import InputDataError, MachineError
from tasks.retrying import is_worth_retrying


@task(cache_policy=NO_CACHE)
def die_or_double(number: int, deadly: int, seconds_to_live: float) -> int:
    """Kill this worker when `number` is deadly."""
    if number == deadly:
        time.sleep(seconds_to_live)
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=0, retry_condition_fn=is_worth_retrying)
def fail(folder: str, error: str) -> str:
    """Leave a line for each try; fail always, or twice."""
    tries = Path(folder) / error
    with tries.open("a") as log:
        log.write("try\n")
    if error == "machine":
        raise MachineError("this CPU gives other logits")
    if error == "input":
        raise InputDataError("no column 'text'")
    if len(tries.read_text().splitlines()) < 3:
        raise OSError("stale file handle")
    return "done"


@flow
def double_all(numbers: list[int], deadly: int = -1, seconds_to_live: float = 0) -> dict:
    """Double the numbers on Dask."""
    return run_all(lambda number: die_or_double.submit(number, deadly, seconds_to_live), numbers, attempts=1)


@flow
def fail_all(folder: str, error: str) -> dict:
    """Run one failing task on Dask."""
    return run_all(lambda error: fail.submit(folder, error), [error], 3)

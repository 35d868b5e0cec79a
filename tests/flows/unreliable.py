"""Flows and tasks that go wrong on purpose; in a module, so that Dask workers can import them."""

import os
import signal
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterId
from prefect.runtime import task_run

from infra.fan_out import run_all
from tasks.core.base.errors import InputDataError, MachineError
from tasks.retrying import is_worth_retrying
from tests.support.waiting import wait_for


def _is_known_to_run() -> bool:
    this = TaskRunFilter(id=TaskRunFilterId(any_=[task_run.id]))
    with get_client(sync_client=True) as client:
        return any(run.state and run.state.is_running() for run in client.read_task_runs(task_run_filter=this))


@task(cache_policy=NO_CACHE)
def die_or_double(number: int, deadly: int, heard_of: bool) -> int:
    """Kill this worker when `number` is deadly; if so wished, not before Prefect has heard that the task runs."""
    if number == deadly:
        if heard_of:
            wait_for(_is_known_to_run, "Prefect had heard of the task")
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
def double_all(numbers: list[int], deadly: int = -1, heard_of: bool = False) -> dict:
    """Double the numbers on Dask."""
    return run_all(lambda number: die_or_double.submit(number, deadly, heard_of), numbers, attempts=1)


@flow
def fail_all(folder: str, error: str) -> dict:
    """Run one failing task on Dask."""
    return run_all(lambda error: fail.submit(folder, error), [error], 3)

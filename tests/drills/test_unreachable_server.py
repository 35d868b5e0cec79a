"""A drill on the fan-out itself: nobody at the address that progress is told to."""

import httpx
import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from infra.fan_out import run_all
from tests.support.ports import free_port


@task(cache_policy=NO_CACHE)
def double(number: int) -> int:
    return 2 * number


@flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
def double_all(numbers: list[int], address: str) -> dict:
    """Double the numbers, and tell an address how far that is."""
    told = []

    def tell(_: int) -> None:
        told.append(address)
        httpx.get(address).raise_for_status()

    results = run_all(double.submit, numbers, 1, tell)
    assert told
    return results


def fail_to_tell(_: int) -> None:
    raise KeyError("a mistake of ours")


@flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
def double_with_a_mistake(numbers: list[int]) -> dict:
    return run_all(double.submit, numbers, 1, fail_to_tell)


@pytest.mark.usefixtures("prefect_api")
def test_a_server_that_cannot_be_told_stops_no_work():
    assert double_all([1, 2], f"http://127.0.0.1:{free_port()}/api") == {1: 2, 2: 4}


@pytest.mark.usefixtures("prefect_api")
def test_a_mistake_in_telling_is_not_hidden():
    with pytest.raises(KeyError, match="a mistake of ours"):
        double_with_a_mistake([1])

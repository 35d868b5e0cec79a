import os
import platform
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.dask_workers.time_slices import SLICE_NANOSECONDS, take_long_slices, thread_attributes

KERNEL = tuple(int(part) for part in platform.release().split(".")[:2])
listens = pytest.mark.skipif(KERNEL < (6, 12), reason="kernels before Linux 6.12 take no notice of slices")


def in_a_thread(work):
    """A thread of its own, for what it asks for stays with it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def sliced():
    take_long_slices()
    return thread_attributes()


@listens
def test_a_thread_and_those_that_it_starts_get_long_slices_and_no_other():
    before = thread_attributes().runtime

    def work():
        take_long_slices()
        return thread_attributes().runtime, in_a_thread(thread_attributes).runtime

    assert in_a_thread(work) == (SLICE_NANOSECONDS, SLICE_NANOSECONDS)
    assert thread_attributes().runtime == before != SLICE_NANOSECONDS


@listens
def test_niceness_and_policy_stay():
    def work():
        os.nice(1)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        return sliced()

    found = in_a_thread(work)
    assert (found.nice, found.policy, found.runtime) == (os.nice(0) + 1, os.SCHED_BATCH, SLICE_NANOSECONDS)


def test_a_thread_of_another_policy_is_left_alone():
    def work():
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        return sliced()

    found = in_a_thread(work)
    assert found.policy == os.SCHED_IDLE
    assert found.runtime != SLICE_NANOSECONDS

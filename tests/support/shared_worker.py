"""One Dask worker for the small rounds of a test process: to start one for each flow run costs more than their work."""

from functools import cache

import dask
from distributed import LocalCluster

from infra.dask_workers.settings import dask_settings


def shared_worker() -> str:
    """Start the worker unless it is there, wait for it, and return its scheduler's address; both end with the session.

    Flows join it as they join any scheduler that already runs: they give it the tracking server that they have.
    """
    cluster = _cluster()
    cluster.wait_for_workers(1)  # one that a test killed is soon followed by another
    return str(cluster.scheduler_address)


def pytest_sessionfinish() -> None:
    """Stop it while its log can still be written to."""
    if _cluster.cache_info().currsize:
        _cluster().close()


@cache
def _cluster() -> LocalCluster:
    dask.config.set(dask_settings(threads=1))
    return LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        memory_limit=0,
    )

"""Flows run in this process under Prefect's test harness: a real server on a temporary database."""

import pytest
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="session")
def prefect_harness():
    with prefect_test_harness(server_startup_timeout=1_200):
        yield


@pytest.fixture(scope="session")
def orchestration(prefect_harness, tracking):
    """A Prefect server and an MLflow server for this process and its Dask workers."""
    return tracking

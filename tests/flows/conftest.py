"""Flows run in this process under Prefect's test harness: a real server on a temporary database."""

import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from flows.conversion import conversion
from flows.training import training
from tests.support.round_files import one_worker, write_round


@pytest.fixture(scope="session")
def prefect_harness():
    # A flow run with heartbeats ends at the next whole second of the thread that sends them.
    with (
        prefect_test_harness(server_startup_timeout=1_200),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture(scope="session")
def orchestration(prefect_harness, tracking):
    """A Prefect server and an MLflow server for this process and its Dask workers."""
    return tracking


@pytest.fixture
def make_round(make_round) -> Callable[..., Path]:
    """Return a function that writes a round whose flows have one Dask worker each."""
    return partial(make_round, clusters=one_worker())


@pytest.fixture(scope="session")
def served(tmp_path_factory, tiny_bert, orchestration) -> Path:
    """A round file whose engine models are registered; a test has its own output path."""
    folder, country = tmp_path_factory.mktemp("served"), f"X{uuid.uuid4().hex[:8]}"
    path = write_round(folder, tiny_bert, sample_rows=400, country=country, clusters=one_worker())
    training(str(path))
    conversion(str(path))
    return path

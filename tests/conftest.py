"""Fixtures that several rooms use come from tests/support/fixtures; those of one room are in its own conftest."""

import os

import pytest

pytest.register_assert_rewrite("tests.support")
SERVERS = ("browser", "redis", "slurm", "told", "tracking")
FIXTURES = (*SERVERS, "field", "pyfunc", "rounds", "runs", "stoppable", "tiny_models")
pytest_plugins = ["tests.support.examples", "tests.support.scheduling", "tests.support.shared_worker"] + [
    f"tests.support.fixtures.{name}" for name in FIXTURES
]
# Threads that wait for each other over a two-layer model cost more than they do, the more so on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

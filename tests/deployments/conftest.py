"""The `winnow` command as a person types it."""

import os
import subprocess

import pytest

from tests.support.commands import BINARIES
from tests.support.ports import free_port


@pytest.fixture
def winnow(tmp_path):
    """Return a function that runs `winnow`; nothing listens where it looks for servers."""

    def run(*words, **environment):
        address = {"PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}
        return subprocess.run(
            [BINARIES / "winnow", *words],
            env={**os.environ, "WINNOW_HOME": str(tmp_path / "home"), **address, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run

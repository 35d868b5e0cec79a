"""Commands as tests type them."""

import subprocess
import sys
from pathlib import Path

BINARIES = Path(sys.executable).parent
"""Where `winnow`, `prefect`, `mlflow` and `dask` lie."""


def assert_taught(done: subprocess.CompletedProcess[str], message: str) -> None:
    """Assert that a command failed with a message for people, not with a traceback."""
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr

"""What the machine must have for some tests: where it cannot be had they are skipped, but in CI they fail."""

import os
from collections.abc import Callable

import pytest

from infra.errors import InfrastructureError


def require(ensure: Callable[[], None]) -> None:
    """Call `ensure`, which installs something; skip the test if it cannot, or fail it where CI is `true`."""
    try:
        ensure()
    except InfrastructureError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must have what these tests need: {error}")
        pytest.skip(str(error))

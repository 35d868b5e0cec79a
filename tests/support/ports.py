"""Ports for servers that a test starts."""

import os
import secrets

from infra.services.ports import is_free

LOWEST = 10_000
A_PROCESS = 2_000
"""Ports for each of up to five processes of one test run: below 20,000, from where on Winnow chooses its own."""
_given: set[int] = set()


def free_port() -> int:
    """Return a port on loopback that nothing listens on, nor on the next one: the Prefect worker takes that.

    None is given twice, for a server that is down at the moment wants its port back, nor by two processes of a run.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 5
    while True:
        port = LOWEST + process * A_PROCESS + 2 * secrets.randbelow(A_PROCESS // 2)
        if port not in _given and is_free(port) and is_free(port + 1):
            _given.add(port)
            return port

"""Ports for a cluster's daemons."""

import secrets
import socket

from infra.services.settings import HOST
from infra.slurm.errors import SlurmError

LOWEST, HIGHEST = 20_000, 32_000
"""Below the range that Linux gives to outgoing connections: one of those could hold a stopped node's port."""
ATTEMPTS = 200


def choose_ports(count: int) -> int:
    """Return the first of `count` consecutive free ports; at random, so that two clusters do not choose the same.

    Raises:
        SlurmError: there are none.
    """
    for _ in range(ATTEMPTS):
        first = LOWEST + secrets.randbelow(HIGHEST - LOWEST - count)
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise SlurmError(f"found no {count} consecutive free ports between {LOWEST} and {HIGHEST} on {HOST}; free some")


def is_free(port: int) -> bool:
    """Say whether a daemon can listen at the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True

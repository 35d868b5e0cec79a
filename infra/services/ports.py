"""Ports to listen on."""

import errno
import secrets
import socket

from infra.errors import ServiceError
from infra.services.settings import HOST

LOWEST, HIGHEST = 20_000, 32_000
"""Ports lie below the range that Linux gives to outgoing connections, which could hold a stopped service's port."""
ATTEMPTS = 200


def choose_ports(count: int) -> int:
    """Return the first of `count` consecutive free ports; at random, so that two callers do not choose the same.

    Raises:
        ServiceError: there are none.
    """
    for _ in range(ATTEMPTS):
        first = LOWEST + secrets.randbelow(HIGHEST - LOWEST - count)
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise ServiceError(f"found no {count} consecutive free ports between {LOWEST} and {HIGHEST} on {HOST}; free some")


def is_free(port: int, host: str = HOST) -> bool:
    """Say whether nothing listens at the port, and no connection goes out from it."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True

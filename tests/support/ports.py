"""Ports for servers that a test starts."""

from infra.services.ports import choose_ports


def free_port() -> int:
    """Return a port on loopback that nothing listens on, nor on the next one: the Prefect worker takes that."""
    return choose_ports(2)

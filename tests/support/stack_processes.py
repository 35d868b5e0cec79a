"""Processes of a stack, and where they listen."""

from collections.abc import Iterable

import psutil

from infra.services import stack
from infra.services.process import running_process
from infra.services.settings import ServiceSettings


def family(settings: ServiceSettings) -> list[psutil.Process]:
    """Return every process of a stack."""
    mains = [process for service in stack.services(settings) if (process := running_process(service))]
    return mains + [child for process in mains for child in process.children(recursive=True)]


def listening(processes: Iterable[psutil.Process]) -> set[tuple[str, int]]:
    """Return the addresses and ports that the processes listen at."""
    return {
        (entry.laddr.ip, entry.laddr.port)
        for process in processes
        for entry in process.net_connections("inet")
        if entry.status == psutil.CONN_LISTEN
    }

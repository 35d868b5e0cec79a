"""Redis with a password, on loopback: it carries Prefect's events and leases."""

from pathlib import Path

import redis

from infra.services.packages import find_program
from infra.services.passwords import ensure_secrets, read_secrets, write_private
from infra.services.process import Service
from infra.services.settings import HOST, ServiceSettings

MESSAGES_DATABASE = 0
DOCKET_DATABASE = 1
"""Prefect has this database; what Winnow itself publishes belongs into another Redis, or into databases from 2 on."""


def prepare(settings: ServiceSettings) -> None:
    """Write the configuration, which holds the password, and make the data folder."""
    folder = settings.home / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = [
        f"bind {HOST}",
        "protected-mode yes",
        f"port {settings.redis_port}",
        f'dir "{folder}"',
        f"requirepass {ensure_secrets(settings.home).redis}",
        # Leases of concurrency slots live here: were they lost in a crash, the slots would stay taken for ever.
        "appendonly yes",
        'save ""',
        "maxmemory-policy noeviction",
    ]
    write_private(_configuration(settings), "\n".join(lines) + "\n")


def redis_service(settings: ServiceSettings, folder: Path) -> Service:
    """Describe the server that `prepare` configured."""
    return Service(
        "redis",
        [find_program("redis-server"), str(_configuration(settings))],
        {},
        folder,
        f"tcp://{HOST}:{settings.redis_port}",
        probe=lambda: _answers(settings),
    )


def client_environment(settings: ServiceSettings) -> dict[str, str]:
    """Variables by which Prefect's server finds it."""
    password = read_secrets(settings.home).redis
    return {
        "PREFECT_REDIS_MESSAGING_HOST": HOST,
        "PREFECT_REDIS_MESSAGING_PORT": str(settings.redis_port),
        "PREFECT_REDIS_MESSAGING_DB": str(MESSAGES_DATABASE),
        "PREFECT_REDIS_MESSAGING_PASSWORD": password,
        "PREFECT_SERVER_DOCKET_URL": f"redis://:{password}@{HOST}:{settings.redis_port}/{DOCKET_DATABASE}",
    }


def _configuration(settings: ServiceSettings) -> Path:
    return settings.home / "redis" / "redis.conf"


def _answers(settings: ServiceSettings) -> bool:
    password = read_secrets(settings.home).redis
    try:
        with redis.Redis(HOST, settings.redis_port, password=password, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False

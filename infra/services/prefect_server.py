"""Prefect's server, on SQLite alone or on PostgreSQL and Redis, and the worker that runs flows."""

import sys
from pathlib import Path

from infra.services import postgres, redis_server
from infra.services.gates import NAMES_VARIABLE
from infra.services.passwords import read_secrets
from infra.services.process import Service
from infra.services.settings import HOST, WORK_POOL, ServiceSettings

WORKER_HEALTH_PORT_OFFSET = 1
WORKER_POLL_SECONDS = 1
RETENTION = {
    # Rows of finished flow runs are kept 90 days, events a week, and heartbeats a day: they are the most by far.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(90 * 86_400),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P7D",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": '{"prefect.flow-run.heartbeat": 86400}',
}
POOL = {
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": "20",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW": "20",
}
"""Prefect's own sizes, 5 and 10, run dry with about a hundred flow runs at once."""
MODULES = {
    "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
}


def prefect_service(settings: ServiceSettings, folder: Path) -> Service:
    """Describe the server."""
    program = [sys.executable, "-m", "uvicorn", "--factory", "infra.services.prefect_app:create_app"]
    address = ["--host", settings.host, "--port", str(settings.prefect_port), "--log-level", "warning"]
    environment = settings.environment | server_environment(settings)
    url = f"http://{settings.local_host}:{settings.prefect_port}/api/health"
    return Service("prefect-server", [*program, *address], environment, folder, url)


def server_environment(settings: ServiceSettings) -> dict[str, str]:
    """Variables of the server alone: its names, database, broker, retention and password."""
    environment = {
        # A browser asks the server that it has the page from: through a tunnel that is not the address clients use.
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": settings.prefect_ui,
        NAMES_VARIABLE: ",".join(settings.server_names),
    }
    if settings.needs_passwords:
        environment["PREFECT_SERVER_API_AUTH_STRING"] = read_secrets(settings.home).clients["PREFECT_API_AUTH_STRING"]
    if settings.stack == "embedded":
        return environment
    environment |= {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.database_url(settings, "prefect", "asyncpg"),
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
    }
    environment |= postgres.client_environment(settings) | redis_server.client_environment(settings)
    return environment | RETENTION | POOL | MODULES


def worker_service(settings: ServiceSettings, folder: Path) -> Service:
    """Describe the worker; its own health check stays on loopback."""
    port = settings.prefect_port + WORKER_HEALTH_PORT_OFFSET
    command = [_prefect(), "worker", "start", "--pool", WORK_POOL, "--type", "process", "--with-healthcheck"]
    environment = settings.environment | {
        "PREFECT_WORKER_QUERY_SECONDS": str(WORKER_POLL_SECONDS),
        "PREFECT_WORKER_WEBSERVER_HOST": HOST,
        "PREFECT_WORKER_WEBSERVER_PORT": str(port),
        "DASK_LOGGING__DISTRIBUTED": "warning",
    }
    return Service("prefect-worker", command, environment, folder, f"http://{HOST}:{port}/health")


def _prefect() -> str:
    return str(Path(sys.executable).parent / "prefect")

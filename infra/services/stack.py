"""The embedded stack: Prefect server, MLflow server and a Prefect process worker, on SQLite and loopback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.services.process import Service, running_process, start, stop, wait_healthy
from infra.services.settings import HOST, WORK_POOL, ServiceSettings

WORKER_HEALTH_PORT_OFFSET = 1
WORKER_POLL_SECONDS = 1


def services(settings: ServiceSettings) -> list[Service]:
    """Return the stack's services in the order in which they start."""
    folder = settings.home / "services"
    binaries = Path(sys.executable).parent
    return [
        _prefect_server(settings, folder, binaries),
        _mlflow_server(settings, folder, binaries),
        _prefect_worker(settings, folder, binaries),
    ]


def up(settings: ServiceSettings) -> None:
    """Start what does not run yet and wait until all is healthy."""
    prefect_server, mlflow_server, worker = services(settings)
    (settings.home / "mlflow").mkdir(parents=True, exist_ok=True)
    start(prefect_server)
    start(mlflow_server)
    wait_healthy(prefect_server)
    start(worker)
    wait_healthy(mlflow_server)
    wait_healthy(worker)


def down(settings: ServiceSettings) -> list[str]:
    """Stop what runs, the worker first; return the names of what was stopped."""
    return [service.name for service in reversed(services(settings)) if stop(service)]


def is_up(settings: ServiceSettings) -> bool:
    """Say whether every service runs."""
    return all(running_process(service) for service in services(settings))


@contextmanager
def running(settings: ServiceSettings) -> Iterator[None]:
    """Have the stack up inside the block; what was not up before is stopped after it."""
    before = {service.name for service in services(settings) if running_process(service)}
    try:
        up(settings)
        yield
    finally:
        for service in reversed(services(settings)):
            if service.name not in before:
                stop(service)


def _prefect_server(settings: ServiceSettings, folder: Path, binaries: Path) -> Service:
    address = ["--host", HOST, "--port", str(settings.prefect_port)]
    return Service(
        "prefect-server",
        [str(binaries / "prefect"), "server", "start", *address],
        settings.environment,
        folder,
        f"{settings.prefect_ui}/api/health",
    )


def _mlflow_server(settings: ServiceSettings, folder: Path, binaries: Path) -> Service:
    data = settings.home / "mlflow"
    command = [
        str(binaries / "mlflow"),
        "server",
        "--host",
        HOST,
        "--port",
        str(settings.mlflow_port),
        "--workers",
        "1",
    ]
    command += [
        "--backend-store-uri",
        f"sqlite:///{data / 'mlflow.db'}",
        "--artifacts-destination",
        str(data / "artifacts"),
    ]
    environment = settings.environment | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return Service("mlflow-server", command, environment, folder, f"{settings.mlflow_ui}/health")


def _prefect_worker(settings: ServiceSettings, folder: Path, binaries: Path) -> Service:
    port = settings.prefect_port + WORKER_HEALTH_PORT_OFFSET
    command = [
        str(binaries / "prefect"),
        "worker",
        "start",
        "--pool",
        WORK_POOL,
        "--type",
        "process",
        "--with-healthcheck",
    ]
    environment = settings.environment | {
        "PREFECT_WORKER_QUERY_SECONDS": str(WORKER_POLL_SECONDS),
        "PREFECT_WORKER_WEBSERVER_HOST": HOST,
        "PREFECT_WORKER_WEBSERVER_PORT": str(port),
        "DASK_LOGGING__DISTRIBUTED": "warning",
    }
    return Service("prefect-worker", command, environment, folder, f"http://{HOST}:{port}/health")

"""MLflow's server: on SQLite or PostgreSQL, behind its own address and password."""

import sys
from pathlib import Path

from infra.services import postgres
from infra.services.gates import NAMES_VARIABLE
from infra.services.mlflow_app import OPEN_VARIABLE
from infra.services.process import Service
from infra.services.settings import ServiceSettings

WORKERS = {"embedded": "1", "full": "2"}
"""So many processes answer, and each takes about 0.4 GB."""


def mlflow_service(settings: ServiceSettings, folder: Path) -> Service:
    """Describe the server."""
    address = ["--host", settings.host, "--port", str(settings.mlflow_port), "--workers", WORKERS[settings.stack]]
    program = [sys.executable, "-m", "uvicorn", "--factory", "infra.services.mlflow_app:create_app"]
    environment = settings.environment | server_environment(settings) | _checks(settings)
    url = f"http://{settings.local_host}:{settings.mlflow_port}/health"
    return Service("mlflow-server", [*program, *address], environment, folder, url)


def server_environment(settings: ServiceSettings) -> dict[str, str]:
    """Variables by which the server, and a migration, find the stores.

    The full stack's artifacts are written by the clients themselves into the folder, which all compute nodes must see
    under the same path: models of gigabytes do not pass through the server.
    """
    data = settings.home / "mlflow"
    common = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": backend_url(settings)}
    if settings.stack == "embedded":
        return common | {"MLFLOW_ARTIFACTS_DESTINATION": str(data / "artifacts")}
    direct = {"MLFLOW_SERVE_ARTIFACTS": "false", "MLFLOW_DEFAULT_ARTIFACT_ROOT": (data / "artifacts").as_uri()}
    return common | direct | postgres.client_environment(settings)


def backend_url(settings: ServiceSettings) -> str:
    """Return the URL of the database; it holds no password."""
    if settings.stack == "embedded":
        return f"sqlite:///{settings.home / 'mlflow' / 'mlflow.db'}"
    return postgres.database_url(settings, "mlflow", "psycopg2")


def _checks(settings: ServiceSettings) -> dict[str, str]:
    """Return what the server's checks go by; MLflow's own check of names, which knows private networks, is left out."""
    return {
        NAMES_VARIABLE: ",".join(settings.server_names),
        OPEN_VARIABLE: "0" if settings.needs_passwords else "1",
        "MLFLOW_SERVER_ALLOWED_HOSTS": "*",
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": settings.mlflow_ui,
    }

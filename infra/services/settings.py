"""Where the services listen and keep their data."""

import os
from dataclasses import dataclass
from pathlib import Path

from infra.errors import ServiceError

HOST = "127.0.0.1"
WORK_POOL = "winnow"
DEFAULT_PREFECT_PORT = 4200
DEFAULT_MLFLOW_PORT = 5000


@dataclass(frozen=True)
class ServiceSettings:
    """Ports on loopback, and the folder below which everything lies."""

    home: Path
    prefect_port: int = DEFAULT_PREFECT_PORT
    mlflow_port: int = DEFAULT_MLFLOW_PORT

    @property
    def prefect_ui(self) -> str:
        """Address of the Prefect UI."""
        return f"http://{HOST}:{self.prefect_port}"

    @property
    def mlflow_ui(self) -> str:
        """Address of the MLflow UI, and of its API."""
        return f"http://{HOST}:{self.mlflow_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that every process needs to reach the services."""
        return {
            "PREFECT_API_URL": f"{self.prefect_ui}/api",
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "MLFLOW_TRACKING_URI": self.mlflow_ui,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "DO_NOT_TRACK": "1",
        }


def read_settings() -> ServiceSettings:
    """Read the settings from WINNOW_HOME (default `.winnow`), WINNOW_PREFECT_PORT and WINNOW_MLFLOW_PORT.

    Raises:
        ServiceError: a port is not a port.
    """
    return ServiceSettings(
        home=Path(os.environ.get("WINNOW_HOME", ".winnow")).resolve(),
        prefect_port=_read_port("WINNOW_PREFECT_PORT", DEFAULT_PREFECT_PORT),
        mlflow_port=_read_port("WINNOW_MLFLOW_PORT", DEFAULT_MLFLOW_PORT),
    )


def _read_port(variable: str, default: int) -> int:
    value = os.environ.get(variable, str(default))
    if not (value.isdigit() and 0 < int(value) < 2**16):
        raise ServiceError(f"{variable} is '{value}'; it must be a port, 1 to 65535")
    return int(value)

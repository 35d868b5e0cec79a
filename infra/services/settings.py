"""Where the services listen and keep their data."""

import os
from dataclasses import dataclass
from pathlib import Path

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
    """Read the settings from WINNOW_HOME (default `.winnow`), WINNOW_PREFECT_PORT and WINNOW_MLFLOW_PORT."""
    return ServiceSettings(
        home=Path(os.environ.get("WINNOW_HOME", ".winnow")).resolve(),
        prefect_port=int(os.environ.get("WINNOW_PREFECT_PORT", DEFAULT_PREFECT_PORT)),
        mlflow_port=int(os.environ.get("WINNOW_MLFLOW_PORT", DEFAULT_MLFLOW_PORT)),
    )

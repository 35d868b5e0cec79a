"""Point a command at the services."""

import os
import warnings
from pathlib import Path

from infra.services.dotenv import FILE
from infra.services.settings import NO_PROXY, RECORD_FILE, ServiceSettings, read_settings


def use(settings: ServiceSettings) -> None:
    """Point this process at the services, unless its environment already points elsewhere.

    The password of a server of ours is not handed to another that the environment names.
    """
    ours = settings.known_environment
    for address, secrets in (("PREFECT_API_URL", "PREFECT_API_AUTH"), ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_")):
        if os.environ.get(address, ours[address]) != ours[address]:
            ours = {name: value for name, value in ours.items() if not name.startswith(secrets)}
    for name, value in ours.items():
        os.environ.setdefault(name, value)
    if Path(FILE).exists():
        # An empty one counts for more than the `.env` of this folder, where Prefect would find ours.
        os.environ.setdefault("PREFECT_API_AUTH_STRING", "")
    os.environ |= {name: ours[name] for name in NO_PROXY}
    # Where no service was ever started there is no home, and what is said of the server is enough.
    warnings.filterwarnings("ignore", "Failed to create the Prefect home directory", UserWarning)


def where_looked(address: str) -> str:
    """Say which folder told a server's address, where no services were ever started from it; else nothing."""
    settings = read_settings()
    is_ours = address.startswith((settings.prefect_ui, settings.mlflow_ui))
    if not is_ours or (settings.home / RECORD_FILE).exists():
        return ""
    return (
        f" Services were looked for in {settings.home}, and none were ever started from there: type this in the folder "
        "where you typed `make up`, or set WINNOW_HOME to its .winnow."
    )

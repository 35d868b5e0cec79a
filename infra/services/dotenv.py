"""The `.env` file of a checkout, by which `prefect` typed there finds the services and their password.

Prefect reads it by itself. In a notebook, `dotenv.load_dotenv()` does so for MLflow.
"""

import tomllib
from pathlib import Path

from infra.services.passwords import write_private
from infra.services.settings import ServiceSettings

FILE = ".env"
NAMES = (
    "PREFECT_API_URL",
    "PREFECT_API_AUTH_STRING",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
)


def point_folder(settings: ServiceSettings, folder: Path) -> bool:
    """Write where the services are into the folder's `.env`, of mode 0600; return whether it is such a folder.

    It is one where pyproject.toml already says where Prefect's server is, as in a checkout of Winnow. What else stands
    in its `.env` is kept.
    """
    if not _names_prefect(folder / "pyproject.toml"):
        return False
    path = folder / FILE
    kept = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if path.exists() else []
    others = [line for line in kept if line.removeprefix("export ").split("=", 1)[0].strip() not in NAMES]
    known = settings.environment
    lines = [*others, *(f"{name}='{known[name]}'" for name in NAMES if name in known)]
    write_private(path, "".join(f"{line}\n" for line in lines))
    return True


def _names_prefect(path: Path) -> bool:
    try:
        return "prefect" in tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (FileNotFoundError, ValueError):
        return False

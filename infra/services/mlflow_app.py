"""MLflow's server behind `OwnAddress` and one user name and password.

MLflow's own `--app-name basic-auth` needs Flask-WTF, which nothing else here does, and brings users and permissions of
its own. This is the same server with checks in front of every route; its health check alone wants no password.
"""

import os
from typing import Any

from infra.services.first_page import OpensOnRuns
from infra.services.gates import BasicAuth, OwnAddress, own_names

OPEN_VARIABLE = "WINNOW_MLFLOW_OPEN"
"""Set to 1, the server asks for no password."""


def create_app() -> Any:
    """Return MLflow's application behind its checks; called by uvicorn in each of its processes.

    The stores are named by the variables of `mlflow server` (MLFLOW_BACKEND_STORE_URI and so on), the user by those
    of MLflow's clients.

    Raises:
        RuntimeError: there is no password, without which nothing may listen unless passwords are switched off.
    """
    names = own_names()
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
    is_open = os.environ.get(OPEN_VARIABLE) == "1"
    if not (is_open or (user and password)):
        raise RuntimeError("MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD must be set; `winnow up` sets them")
    _name_stores()
    from mlflow.server.fastapi_app import app  # noqa: PLC0415 - MLflow reads the variables when it is imported

    pages = OpensOnRuns(app)
    return OwnAddress(pages if is_open else BasicAuth(pages, str(user), str(password)), names)


def _name_stores() -> None:
    """Hand the stores on as `mlflow server` does, and open them: a wrong schema shows before the first request."""
    from mlflow.server import constants, handlers  # noqa: PLC0415 - uvicorn's parent process needs no MLflow

    backend = os.environ["MLFLOW_BACKEND_STORE_URI"]
    destination = os.environ.get("MLFLOW_ARTIFACTS_DESTINATION")
    root = os.environ.get("MLFLOW_DEFAULT_ARTIFACT_ROOT", "mlflow-artifacts:/")
    os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = backend
    os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = root
    if destination:
        os.environ[constants.SERVE_ARTIFACTS_ENV_VAR] = "true"
        os.environ[constants.ARTIFACTS_DESTINATION_ENV_VAR] = destination
    handlers.initialize_backend_stores(backend, backend, root)

"""MLflow's server behind one user name and password, for when it listens off loopback.

MLflow's own `--app-name basic-auth` needs Flask-WTF, which nothing else here does, and brings users and permissions of
its own. This is the same server with a check in front of every route except the health check.
"""

import base64
import hmac
import os
from typing import Any

HEALTH_PATH = "/health"


class BasicAuth:
    """ASGI middleware that lets a request through only with the right `Authorization: Basic`."""

    def __init__(self, app: Any, user: str, password: str) -> None:
        self._app = app
        self._expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on, or answer 401; a websocket is closed before it opens."""
        if scope["type"] == "lifespan" or self._may_pass(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"www-authenticate", b'Basic realm="MLflow"'), (b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            message = b"MLflow asks for a password: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.\n"
            await send({"type": "http.response.body", "body": message})

    def _may_pass(self, scope: Any) -> bool:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == HEALTH_PATH:
            return True
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(shown) == 1 and hmac.compare_digest(shown[0], self._expected)


def create_app() -> Any:
    """Return MLflow's application behind `BasicAuth`; called by uvicorn in each of its processes.

    The stores are named by the variables of `mlflow server` (MLFLOW_BACKEND_STORE_URI and so on), the user by those
    of MLflow's clients.

    Raises:
        RuntimeError: there is no password, without which nothing may listen off loopback.
    """
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if not (user and password):
        raise RuntimeError("MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD must be set; `winnow up` sets them")
    _name_stores()
    from mlflow.server.fastapi_app import app  # noqa: PLC0415 - MLflow reads the variables when it is imported

    return BasicAuth(app, user, password)


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

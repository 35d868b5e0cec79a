"""What clusters say to the flow run that they work for, if there is one."""

import logging
import socket
from typing import Any

from prefect.artifacts import create_link_artifact
from prefect.context import get_run_context
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from tasks.core.base.naming.artifact_names import DASHBOARD_ARTIFACT, artifact_key


def run_logger() -> Any:
    """Return the flow run's logger, or a plain one outside flows."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("winnow.cluster")


def link_dashboard(name: str, port: int, key: str) -> None:
    """Leave a link to Dask's dashboard on the flow run; the key in the link opens it.

    It listens on loopback, and is reached from elsewhere by tunnels.
    """
    tunnel = f"ssh -N -L {port}:127.0.0.1:{port} {socket.gethostname()}"
    link = f"http://127.0.0.1:{port}/status?key={key}"
    run_logger().info("Dask dashboard: %s (first: `%s`)", link, tunnel)
    try:
        get_run_context()
    except MissingContextError:
        return
    create_link_artifact(
        link, "dashboard", key=artifact_key(name, DASHBOARD_ARTIFACT), description=f"First: `{tunnel}`"
    )

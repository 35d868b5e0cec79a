"""MLflow's address and password for workers that a flow did not start: they run elsewhere, and know no variables."""

import os
from typing import Any

from distributed import Client, WorkerPlugin

NAMES = ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


class Credentials(WorkerPlugin):
    """Sets the variables in each worker of a scheduler, those that come later included."""

    name = "winnow-credentials"

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables

    def setup(self, worker: Any) -> None:  # noqa: ARG002 - as Dask calls it
        """Set them in a worker's process."""
        os.environ.update(self._variables)


def hand_over(client: Client) -> None:
    """Give a scheduler's workers the address and credentials of MLflow, as Prefect gives its own with each task."""
    known = {name: os.environ[name] for name in NAMES if os.environ.get(name)}
    if known:
        client.register_plugin(Credentials(known))

"""Where MLflow's server is, how runs are found and begun there, and how they end.

This module, tracked_run.py and registry.py alone import mlflow.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow.artifacts import download_artifacts
from mlflow.entities import LifecycleStage
from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.tracking import MlflowClient

from tasks.core.base.errors import RegistryError
from tasks.records.tracked_run import Experiment, TrackedRun

EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""An experiment is one of models that are trained, not of language models that are watched."""


def tracking_uri() -> str:
    """Return the MLflow server's address.

    Raises:
        RegistryError: MLFLOW_TRACKING_URI is not set.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        raise RegistryError(
            "MLFLOW_TRACKING_URI is not set, so there is no MLflow server to ask. `make up` starts one and prints the "
            "line to export."
        )
    return uri


def find_experiment(name: str) -> Experiment:
    """Find or make an experiment, one of models that are trained.

    Raises:
        RegistryError: it was deleted.
    """
    client = MlflowClient(tracking_uri())
    return Experiment(client.tracking_uri, _experiment_id(client, name))


def known_experiment(name: str) -> Experiment | None:
    """Return an experiment, or None where there is none."""
    client = MlflowClient(tracking_uri())
    found = client.get_experiment_by_name(name)
    return None if found is None else Experiment(client.tracking_uri, str(found.experiment_id))


def find_or_create_run(
    experiment: str, name: str, identity: dict[str, str], tags: dict[str, str], started: int | None = None
) -> TrackedRun:
    """Return the experiment's run with the tags of `identity`; a new one also gets `tags`, and began at `started`."""
    place = find_experiment(experiment)
    found = place.with_tags(identity)
    return found[0] if found else place.create(name, tags | identity, started)


def create_run(experiment: str, name: str, tags: dict[str, str]) -> TrackedRun:
    """Start a run of its own."""
    return find_experiment(experiment).create(name, tags)


@contextmanager
def ended_by_outcome(run: TrackedRun) -> Iterator[TrackedRun]:
    """End the run FINISHED, or FAILED when the block raises; one that has FINISHED before keeps its end."""
    had_ended = run.status == "FINISHED"
    try:
        yield run
    except BaseException:
        run.end("FAILED")
        raise
    if not had_ended:
        run.end("FINISHED")


@contextmanager
def system_metrics(run: TrackedRun) -> Iterator[None]:
    """Log the use of CPU, memory, disk, network and GPU under `system/` while the block runs, where that is asked for.

    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING=true asks for it.
    """
    if not MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get():  # type: ignore[no-untyped-call]
        yield
        return
    monitor: Any = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
        run.run_id, resume_logging=True, tracking_uri=run.tracking_uri
    )
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def _experiment_id(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == LifecycleStage.DELETED:
        raise RegistryError(
            f"the MLflow experiment '{name}' was deleted. "
            f"Restore it: mlflow experiments restore -x {found.experiment_id}"
        )
    if found is None:
        return str(client.create_experiment(name, tags=EXPERIMENT_TAGS))
    for tag, value in EXPERIMENT_TAGS.items():
        if found.tags.get(tag) is None:
            client.set_experiment_tag(found.experiment_id, tag, value)
    return str(found.experiment_id)


def read_json_artifact(run_id: str, name: str) -> Any:
    """Read a JSON artifact of a run."""
    with tempfile.TemporaryDirectory() as folder:
        path = download_artifacts(run_id=run_id, artifact_path=name, dst_path=folder, tracking_uri=tracking_uri())
        return json.loads(Path(path).read_text(encoding="utf-8"))

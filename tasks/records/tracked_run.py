"""An MLflow run and its experiment, whatever they stand for.

Everything goes through explicit run ids: MLflow's fluent state is global, and Dask runs tasks in threads.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlflow.entities import Dataset, DatasetInput, InputTag, LifecycleStage, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_LOGGED_ARTIFACTS,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NOTE,
)

from tasks.core.base.run_record import Figure
from tasks.records.metric_names import metric_name

HASH_TAG = "winnow.config_hash"
KIND_TAG = "winnow.kind"
TrackingError = MlflowException
"""The tracking server is away, or refuses."""
AS_TRAINING = "workflowType=machine_learning"
"""Whatever kind an experiment is of, MLflow's pages show traces, and not runs, unless their address says so."""
LONGEST_EXPERIMENT_TAG = 20_000
"""MLflow cuts a longer tag of a run, and refuses one of an experiment."""
BATCH = 100
"""MLflow takes at most so many params and tags at once."""


def shown_as_table(artifact: str) -> dict[str, str]:
    """Return the tag by which MLflow's pages show a JSON artifact of `columns` and `data` as a table."""
    return {MLFLOW_LOGGED_ARTIFACTS: json.dumps([{"path": artifact, "type": "table"}])}


@dataclass(frozen=True)
class TrackedRun:
    """An MLflow run, and how workers reach it; what is logged is on the server when the call returns."""

    tracking_uri: str
    experiment_id: str
    run_id: str

    @property
    def _client(self) -> MlflowClient:
        return MlflowClient(self.tracking_uri)

    @property
    def status(self) -> str:
        """RUNNING, FINISHED, FAILED or KILLED."""
        return str(self._client.get_run(self.run_id).info.status)

    @property
    def address(self) -> str:
        """Where a person looks at the run in a browser."""
        return f"{self.experiment.pages}/runs/{self.run_id}?{AS_TRAINING}"

    def artifact_address(self, name: str) -> str:
        """Return where a person looks at an artifact in a browser."""
        return f"{self.experiment.pages}/runs/{self.run_id}/artifacts/{name}?{AS_TRAINING}"

    @property
    def started_milliseconds(self) -> int:
        """When it began, since the epoch."""
        return int(self._client.get_run(self.run_id).info.start_time)

    @property
    def experiment(self) -> "Experiment":
        """The experiment that the run is of."""
        return Experiment(self.tracking_uri, self.experiment_id)

    @property
    def tags(self) -> dict[str, str]:
        """The run's tags."""
        return dict(self._client.get_run(self.run_id).data.tags)

    @property
    def figure_names(self) -> list[str]:
        """Which figures the run has."""
        return sorted(self._client.get_run(self.run_id).data.metrics)

    @property
    def as_parent(self) -> dict[str, str]:
        """The tag that makes a run a child of this one."""
        return {MLFLOW_PARENT_RUN_ID: self.run_id}

    def steps_of(self, metric: str) -> set[int]:
        """Return the steps at which a metric is logged."""
        return {point.step for point in self._client.get_metric_history(self.run_id, metric_name(metric))}

    def log_figures(self, figures: dict[str, float], step: int = 0, prefix: str = "") -> None:
        """Log figures as metrics, each in its section."""
        now = int(time.time() * 1000)
        self.log_points((prefix + name, value, step, now) for name, value in figures.items())

    def log_points(self, figures: Iterable[Figure]) -> None:
        """Log figures as metrics, each in its section, at the steps and times that they were found."""
        metrics = [Metric(metric_name(name), value, at, step) for name, value, step, at in figures]
        self._client.log_batch(self.run_id, metrics=metrics)

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Log the parameters that the run does not have; MLflow refuses to change one."""
        held = self._client.get_run(self.run_id).data.params
        parameters = {name: value for name, value in parameters.items() if name not in held}
        entries = [Param(name, str(value)) for name, value in parameters.items()]
        for first in range(0, len(entries), BATCH):
            self._client.log_batch(self.run_id, params=entries[first : first + BATCH])

    def set_tags(self, tags: dict[str, str]) -> None:
        """Set tags, over those of the same names."""
        self._client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in tags.items()])

    def describe(self, note: str) -> None:
        """Have the run's page say this, as Markdown."""
        self.set_tags({MLFLOW_RUN_NOTE: note})

    def rename(self, name: str) -> None:
        """Call the run so on its pages."""
        self._client.update_run(self.run_id, name=name)

    def remove_tags(self, names: Iterable[str]) -> None:
        """Remove those of the tags that the run has."""
        held = self._client.get_run(self.run_id).data.tags
        for name in names:
            if name in held:
                self._client.delete_tag(self.run_id, name)

    def log_json(self, name: str, content: Any) -> None:
        """Leave `content` as a JSON artifact."""
        self._client.log_dict(self.run_id, content, name)

    def log_text(self, name: str, content: str) -> None:
        """Leave `content` as a text artifact."""
        self._client.log_text(self.run_id, content, name)

    def log_picture(self, name: str, figure: Any) -> None:
        """Leave a matplotlib figure as an artifact."""
        self._client.log_figure(self.run_id, figure, name)

    def log_file(self, path: Path) -> None:
        """Leave a copy of a file as an artifact."""
        self._client.log_artifact(self.run_id, str(path))

    def log_dataset(
        self, name: str, digest: str, source: str, profile: dict[str, Any], context: str = "training"
    ) -> None:
        """Name the data that the run was given, once a digest, and what for."""
        inputs = self._client.get_run(self.run_id).inputs
        if digest not in {entry.dataset.digest for entry in (inputs.dataset_inputs if inputs else ())}:
            dataset = Dataset(name, digest, "local", json.dumps({"uri": source}), profile=json.dumps(profile))
            tags = [InputTag(MLFLOW_DATASET_CONTEXT, context)]
            self._client.log_inputs(self.run_id, [DatasetInput(dataset, tags)])

    def restart(self) -> None:
        """Say that the run goes on."""
        self._client.update_run(self.run_id, RunStatus.to_string(RunStatus.RUNNING))

    def end(self, status: str, milliseconds: int | None = None) -> None:
        """End the run as FINISHED, FAILED or KILLED, now or at a time since the epoch."""
        self._client.set_terminated(self.run_id, status, milliseconds)

    def children(self, tags: dict[str, str], status: str) -> list["TrackedRun"]:
        """Return the child runs with these tags in this status, the newest first."""
        return self.experiment.with_tags(tags | self.as_parent, status)

    def create_child(self, name: str, tags: dict[str, str]) -> "TrackedRun":
        """Start a child run."""
        return self.experiment.create(name, tags | self.as_parent)


@dataclass(frozen=True)
class Experiment:
    """An experiment of the server's, where runs are found and made."""

    tracking_uri: str
    experiment_id: str

    @property
    def _client(self) -> MlflowClient:
        return MlflowClient(self.tracking_uri)

    @property
    def pages(self) -> str:
        """What the addresses of its pages begin with."""
        server = urlsplit(self.tracking_uri)
        place = f"{server.scheme}://{server.netloc.rpartition('@')[2]}{server.path.rstrip('/')}"
        return f"{place}/#/experiments/{self.experiment_id}"

    @property
    def address(self) -> str:
        """Where a person looks at its runs in a browser."""
        return f"{self.pages}/runs?{AS_TRAINING}"

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return dict(self._client.get_experiment(self.experiment_id).tags)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set the tags that it does not have with these values."""
        held = self.tags
        for name, value in tags.items():
            if held.get(name) != value:
                self._client.set_experiment_tag(self.experiment_id, name, value)

    def describe(self, note: str) -> None:
        """Have the experiment's page say this, as Markdown; of hundreds of labels, what MLflow takes of it."""
        self.set_tags({MLFLOW_RUN_NOTE: note[:LONGEST_EXPERIMENT_TAG]})

    def run(self, run_id: str) -> TrackedRun:
        """Return a run by its id."""
        return TrackedRun(self.tracking_uri, self.experiment_id, run_id)

    def has(self, run_id: str) -> bool:
        """Say whether there is such a run, not deleted."""
        try:
            found = self._client.get_run(run_id).info
        except MlflowException as error:
            if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                raise
            return False
        return bool(found.lifecycle_stage == LifecycleStage.ACTIVE and found.experiment_id == self.experiment_id)

    def with_tags(self, tags: dict[str, str], status: str | None = None) -> list[TrackedRun]:
        """Return the runs with these tags, in this status if one is given, the newest first."""
        query = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        query += f" and attributes.status = '{status}'" if status else ""
        return [self.run(found.info.run_id) for found in self._client.search_runs([self.experiment_id], query)]

    def create(self, name: str, tags: dict[str, str], started: int | None = None) -> TrackedRun:
        """Start a run, now or at a time since the epoch, in milliseconds."""
        made = self._client.create_run(self.experiment_id, run_name=name, tags=tags, start_time=started)
        return self.run(made.info.run_id)

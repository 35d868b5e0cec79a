"""MLflow runs: a parent run a label, a child run a seed. This module and registry.py alone import mlflow."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlflow.artifacts import download_artifacts
from mlflow.entities import LifecycleStage, Metric, Param, Run, RunStatus, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME
from prefect.runtime import flow_run

from tasks.core.errors import RegistryError
from tasks.core.round import Round
from tasks.core.training.seed_plan import PREDICTIONS_FILE, SeedPlan, SeedResult
from tasks.core.training.selection import Selection

HASH_TAG = "winnow.config_hash"
KIND_TAG = "winnow.kind"
SELECTION_FILE = "selection.json"


@dataclass(frozen=True)
class StudyRun:
    """The parent run of a label's seeds, and how workers reach it."""

    tracking_uri: str
    experiment_id: str
    run_id: str
    tags: dict[str, str]
    """Of its child runs, too."""


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


def open_study(round_: Round, label: str, study_hash: str) -> StudyRun:
    """Find or create the parent run of a label's seeds."""
    client = MlflowClient(tracking_uri())
    experiment_id = _experiment_id(client, round_.name)
    tags = {KIND_TAG: "study", "label": label, HASH_TAG: study_hash}
    query = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    runs = client.search_runs([experiment_id], query, max_results=1)
    run = runs[0] if runs else client.create_run(experiment_id, run_name=label, tags=tags | round_.tags(label))
    return StudyRun(client.tracking_uri, experiment_id, run.info.run_id, round_.tags(label))


@contextmanager
def failed_when_interrupted(studies: list[StudyRun]) -> Iterator[None]:
    """End the parent runs as FAILED when the block raises; a selection ends them as FINISHED."""
    try:
        yield
    except BaseException:
        for study in studies:
            client = MlflowClient(study.tracking_uri)
            client.set_terminated(study.run_id, RunStatus.to_string(RunStatus.FAILED))
        raise


def _experiment_id(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == LifecycleStage.DELETED:
        raise RegistryError(
            f"the MLflow experiment '{name}' was deleted. "
            f"Restore it: mlflow experiments restore -x {found.experiment_id}"
        )
    return str(found.experiment_id if found else client.create_experiment(name))


def finished_seed_run(plan: SeedPlan, study: StudyRun) -> str | None:
    """Return the run id of the plan's finished child run, or None."""
    runs = _seed_runs(plan, study, "FINISHED")
    return runs[0].info.run_id if runs else None


@contextmanager
def seed_run(plan: SeedPlan, study: StudyRun) -> Iterator["SeedRun"]:
    """Open a child run for the plan's seed; it ends FINISHED, or FAILED when the block raises.

    Runs of the same seed that a killed worker left RUNNING are ended as KILLED.
    """
    client = MlflowClient(study.tracking_uri)
    for lost in _seed_runs(plan, study, "RUNNING"):
        client.set_terminated(lost.info.run_id, RunStatus.to_string(RunStatus.KILLED))
    tags = study.tags | {
        MLFLOW_RUN_NAME: f"{plan.label} seed {plan.seed}",
        MLFLOW_PARENT_RUN_ID: study.run_id,
        KIND_TAG: "seed",
        HASH_TAG: plan.config_hash,
        "winnow.data_digest": plan.splits.digest,
        "winnow.version": version("winnow"),
        "prefect.flow_run_id": flow_run.root_flow_run_id or "",
    }
    run_id = client.create_run(study.experiment_id, tags=tags).info.run_id
    try:
        yield SeedRun(client, run_id, plan)
    except BaseException:
        client.set_terminated(run_id, RunStatus.to_string(RunStatus.FAILED))
        raise
    client.set_terminated(run_id, RunStatus.to_string(RunStatus.FINISHED))


class SeedRun:
    """One seed's child run, open for logging."""

    def __init__(self, client: MlflowClient, run_id: str, plan: SeedPlan) -> None:
        self._client = client
        self._plan = plan
        self.run_id = run_id
        training = plan.training.model_dump(mode="json", exclude={"seeds"})
        params = {"label": plan.label, "seed": plan.seed, "base_model": plan.base_model, **training}
        params |= {f"{split}_rows": rows for split, rows in plan.splits.rows.items()}
        params |= {f"{split}_positives": rows for split, rows in plan.splits.positives.items()}
        client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])

    @property
    def report_epoch(self) -> Callable[[int, dict[str, float]], None]:
        """Logs an epoch's figures while training goes on."""

        def report(number: int, figures: dict[str, float]) -> None:
            self._log(figures, step=number, prefix="epoch_")

        return report

    def log_result(self, result: SeedResult) -> None:
        """Log the kept checkpoint's figures and its test predictions."""
        self._log(result.metrics, step=0, prefix="")
        self._client.log_artifact(self.run_id, str(self._plan.folder / PREDICTIONS_FILE))
        self._client.set_tag(self.run_id, "winnow.seed_folder", str(self._plan.folder))

    def _log(self, figures: dict[str, float], step: int, prefix: str) -> None:
        now = int(time.time() * 1000)
        metrics = [Metric(prefix + name, value, now, step) for name, value in figures.items()]
        self._client.log_batch(self.run_id, metrics=metrics)


def log_selection(study: StudyRun, selection: Selection) -> None:
    """Leave the selection on the parent run: record, winner's figures, baseline."""
    client = MlflowClient(study.tracking_uri)
    client.log_dict(study.run_id, selection.record(), SELECTION_FILE)
    now = int(time.time() * 1000)
    figures = dict(selection.winner.metrics)
    figures |= {f"baseline_tfidf_{name}": value for name, value in selection.baseline.items()}
    client.log_batch(
        study.run_id,
        metrics=[Metric(name, value, now, 0) for name, value in figures.items()],
        tags=[RunTag("winnow.winning_seed", str(selection.winner.seed))],
    )
    client.set_terminated(study.run_id, RunStatus.to_string(RunStatus.FINISHED))


def log_engine(round_: Round, label: str, conversion_hash: str, parity: dict[str, Any]) -> str:
    """Leave a conversion's parity figures on a run of their own, and return its id."""
    client = MlflowClient(tracking_uri())
    tags = round_.tags(label) | {KIND_TAG: "conversion", HASH_TAG: conversion_hash}
    run_id = str(
        client.create_run(_experiment_id(client, round_.name), run_name=f"{label} conversion", tags=tags).info.run_id
    )
    now = int(time.time() * 1000)
    figures = {
        f"{variant['variant']}_{name}": value
        for variant in parity["variants"]
        for name, value in variant.items()
        if name != "variant"
    }
    client.log_batch(run_id, metrics=[Metric(name, value, now, 0) for name, value in figures.items()])
    client.set_terminated(run_id, RunStatus.to_string(RunStatus.FINISHED))
    return run_id


def _seed_runs(plan: SeedPlan, study: StudyRun, status: str) -> list[Run]:
    query = (
        f"tags.`{HASH_TAG}` = '{plan.config_hash}' and tags.`{MLFLOW_PARENT_RUN_ID}` = '{study.run_id}' "
        f"and attributes.status = '{status}'"
    )
    runs: list[Run] = MlflowClient(study.tracking_uri).search_runs([study.experiment_id], query)
    return runs


def read_json_artifact(run_id: str, name: str) -> Any:
    """Read a JSON artifact of a run."""
    with tempfile.TemporaryDirectory() as folder:
        path = download_artifacts(run_id=run_id, artifact_path=name, dst_path=folder, tracking_uri=tracking_uri())
        return json.loads(Path(path).read_text(encoding="utf-8"))

"""Inference as Prefect tasks."""

import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect import task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from tasks.core.corpus.sample import survey_sample
from tasks.core.errors import ModelFolderError, RegistryError, RoundFileError
from tasks.core.inference.earlier_runs import adopt_shards
from tasks.core.inference.estimate import Measured, estimate, measure
from tasks.core.inference.manifest import Launch, write_manifest
from tasks.core.inference.markers import marked
from tasks.core.inference.model_folder import read_engine_model
from tasks.core.inference.plan import EngineUse, Plan, make_plan, read_plan, write_plan
from tasks.core.inference.receipts import finished_receipts, renew_receipts, unfinished_shards
from tasks.core.inference.run_folder import RunFolder
from tasks.core.inference.scoring import score_shard
from tasks.core.naming import artifact_key, run_folder_name
from tasks.core.round import Round
from tasks.core.round_sections import Sample
from tasks.registry import fetch_folder, resolve
from tasks.retrying import RETRIED

MAXIMUM_BLOCKS = 200
"""A Prefect task run costs about 0.25 CPU-seconds, so shards are handed out in blocks."""
BLOCKS_A_WORKER = 25
"""So many are enough for slow workers to do less: the last block is a twenty-fifth of a worker's share."""
PROGRESS_SECONDS = 2.0
"""Between two looks at the receipts."""


@task(task_run_name="fetch-engine-{label}", cache_policy=NO_CACHE, persist_result=False)
def fetch_engine(round_: Round, label: str) -> EngineUse:
    """Find the label's engine model as a Prefect task."""
    return find_engine(round_, label)


def find_engine(round_: Round, label: str) -> EngineUse:
    """Resolve the label's engine model to a version, and fetch and verify its files.

    Raises:
        RegistryError: there is none, or it was made from another checkpoint than the alias now stands for.
        ModelFolderError: its files are not those that were registered, or score another label.
    """
    name = round_.registered_model(label)
    registered = resolve(name, round_.engine_alias, label, f"conversion/{round_.model_round}")
    checkpoint = resolve(name, round_.checkpoint_alias, label, f"training/{round_.model_round}")
    if registered.tags.get("source_version") != checkpoint.version:
        raise RegistryError(
            f"the engine model of label '{label}' (version {registered.version}) was made from {name} version "
            f"{registered.tags.get('source_version')}, but '{round_.checkpoint_alias}' is version {checkpoint.version} "
            f"by now. Run: prefect deployment run conversion/{round_.model_round}"
        )
    folder = fetch_folder(registered, round_.work_path / "models")
    model = read_engine_model(folder)
    if model.label != label:
        raise ModelFolderError(f"{name} version {registered.version} scores '{model.label}', not '{label}'")
    return EngineUse(label, name, registered.version, model.digest, str(folder))


def get_sample(round_: Round, sample: str) -> Sample:
    """Return one of the round's samples.

    Raises:
        RoundFileError: the round has no sample of that name.
    """
    if sample not in round_.samples:
        raise RoundFileError(f"the round {round_.name} has no sample '{sample}'; it has: {', '.join(round_.samples)}")
    return round_.samples[sample]


@task(task_run_name="plan-{sample}", cache_policy=NO_CACHE, persist_result=False)
def plan_run(
    round_: Round, sample: str, run_name: str, limit: int | None, engines: list[EngineUse]
) -> tuple[Plan, RunFolder]:
    """Plan the shards and write the plan into the run folder that its fingerprint names.

    Shards that an earlier run of the same engines and settings scored are taken from there; a manifest that no longer
    holds is removed.
    """
    source = get_sample(round_, sample)
    opened = [(use, read_engine_model(Path(use.folder))) for use in engines]
    listing = survey_sample(source, get_run_logger().info)
    for reason in listing.torn.values():
        get_run_logger().warning("left out of the run: %s", reason)
    plan = make_plan(sample, source, listing.files, opened, round_.inference, limit)
    plan = replace(plan, torn_files=listing.torn, round_name=round_.name)
    name = run_folder_name(round_.iteration, round_.method, run_name, plan.run_id, sample)
    folder = RunFolder(round_.inference.output_path / name)
    write_plan(plan, folder)
    renew_receipts(plan, folder)
    if adopted := adopt_shards(plan, folder):
        get_run_logger().info("%d of %d shards are taken from earlier runs", adopted, len(plan.shards))
    if unfinished_blocks(plan, folder):
        folder.manifest_path.unlink(missing_ok=True)
    return plan, folder


def unfinished_blocks(plan: Plan, folder: RunFolder, workers: int | None = None) -> list[tuple[int, ...]]:
    """Group the unfinished shards into at most 200 blocks, and no more than so many `workers` have use for."""
    shards = unfinished_shards(plan, finished_receipts(plan, folder))
    blocks = MAXIMUM_BLOCKS if workers is None else min(MAXIMUM_BLOCKS, BLOCKS_A_WORKER * workers)
    size = -(-len(shards) // blocks)
    return [tuple(shards[start : start + size]) for start in range(0, len(shards), size)] if shards else []


@task(task_run_name="measure", **RETRIED)
def measure_run(run_folder: str) -> Measured:
    """Load the models on a worker and measure a few batches."""
    folder = RunFolder(Path(run_folder))
    plan = _plan_of(run_folder, folder.plan_path.stat().st_mtime_ns)
    return measure(plan, folder, unfinished_shards(plan, finished_receipts(plan, folder)))


def publish_estimate(round_: Round, plan: Plan, folder: RunFolder, measured: Measured, workers: int | None) -> None:
    """Say in log and Prefect UI what the unfinished shards will take; refuse when their outputs do not fit."""
    shards = unfinished_shards(plan, finished_receipts(plan, folder))
    lines = estimate(plan, folder, shards, measured, workers).lines()
    get_run_logger().info("%s", lines)
    create_markdown_artifact(lines, key=artifact_key(round_.name, plan.sample_name, "estimate"))


@task(task_run_name="shards-from-{shards[0]}", **RETRIED)
def score_block(run_folder: str, shards: tuple[int, ...]) -> int:
    """Score the block's unfinished shards on a worker; return how many rows they have.

    A shard that fails does not keep the later ones from being scored; its error is raised at the end. A disk that is
    full, or gone, fails them all.
    """
    folder = RunFolder(Path(run_folder))
    plan = _plan_of(run_folder, folder.plan_path.stat().st_mtime_ns)
    wanted = [plan.shards[number] for number in shards]
    todo = unfinished_shards(plan, finished_receipts(plan, folder, wanted), wanted)
    failures: list[Exception] = []
    rows = sum(_score(plan, number, folder, failures) for number in todo)
    if failures:
        raise failures[0]
    return rows


def _score(plan: Plan, number: int, folder: RunFolder, failures: list[Exception]) -> int:
    """Score a shard and return its rows; when it fails, add why to `failures`."""
    try:
        with marked(folder, number):
            return score_shard(plan, plan.shards[number], folder).rows_in
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - raised when the block's other shards are done
        failures.append(error)
        return 0


@cache
def _plan_of(run_folder: str, _mtime_ns: int) -> Plan:
    return read_plan(RunFolder(Path(run_folder)))


@task(task_run_name="balance", cache_policy=NO_CACHE, persist_result=False)
def finish_run(plan: Plan, folder: RunFolder, launch: Launch) -> dict[str, Any]:
    """Balance the run and write its manifest."""
    return write_manifest(plan, folder, launch)


def start_progress(round_: Round, plan: Plan, folder: RunFolder) -> UUID:
    """Leave a progress artifact on the flow run, and return its id."""
    artifact = create_progress_artifact(
        progress=0.0,
        key=artifact_key(round_.name, plan.sample_name, "progress"),
        description=f"{plan.rows} texts in {len(plan.shards)} shards: {folder.path}",
    )
    return cast("UUID", artifact)


class Progress:
    """Keeps a progress artifact up from the receipts on disk."""

    def __init__(self, artifact: UUID, plan: Plan, folder: RunFolder) -> None:
        self._artifact = artifact
        self._plan = plan
        self._folder = folder
        self._left = {shard.number: shard.rows for shard in plan.shards}
        self._finished_before = self._sweep()
        self._started = self._updated = time.monotonic()

    def update(self, last: bool = False) -> None:
        """Show shards and rows that have a receipt, rows a second of this launch, and the time that is left.

        Does so every few seconds, and without waiting for the `last` time.
        """
        now = time.monotonic()
        if not last and now - self._updated < PROGRESS_SECONDS:
            return
        if not self._sweep() and not last:
            return
        self._updated = now
        rows_left = sum(self._left.values())
        rows = self._plan.rows - rows_left
        rate = (rows - self._finished_before) / (now - self._started)
        done = len(self._plan.shards) - len(self._left)
        update_progress_artifact(
            artifact_id=self._artifact,
            progress=100.0 * done / len(self._plan.shards),
            description=f"{done:,} of {len(self._plan.shards):,} shards, {rows:,} of {self._plan.rows:,} rows, "
            f"{rate:,.0f} rows a second, about {rows_left / max(rate, 1e-9) / 60:,.0f} min left: {self._folder.path}",
        )

    def _sweep(self) -> int:
        """Let go of the shards that have a receipt by now, and return their rows."""
        done = [number for number in self._left if self._folder.receipt_path(number).is_file()]
        return sum(self._left.pop(number) for number in done)


def publish_run_table(round_: Round, plan: Plan, folder: RunFolder, manifest: dict[str, Any]) -> None:
    """Leave the run's counts as a table in the Prefect UI."""
    counts, timings = manifest["counts"], manifest["timings"]
    rows = [
        {
            "label": use["label"],
            "model": f"{use['registered_model']} version {use['version']}",
            "variants": ", ".join(use["variants"]),
            "rows in": counts["rows_in"],
            "rows out": counts["rows_out"][use["label"]],
            "quarantined": counts["rows_quarantined"],
            "texts a second": timings["texts_per_second"],
            "run folder": str(folder.path),
        }
        for use in manifest["engines"]
    ]
    create_table_artifact(
        key=artifact_key(round_.name, plan.sample_name, "run"),
        table=rows,
        description=f"Run {plan.run_id} of {round_.name}",
    )

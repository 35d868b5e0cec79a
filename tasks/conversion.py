"""Conversion as Prefect tasks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from tasks.conversion_runs import log_engine
from tasks.core.corpus.reading import draw_texts
from tasks.core.corpus.sample import list_sample
from tasks.core.files import fingerprint, read_json, write_json
from tasks.core.inference.model_folder import PARITY_FILE, EngineModel
from tasks.core.naming import artifact_key
from tasks.core.round import Round
from tasks.registry import RegisteredVersion, Registration, fetch_folder, find_version, register_folder, resolve
from tasks.retrying import DELAYS_SECONDS, is_worth_retrying

CONVERSION_FORMAT = 1
"""Raised when conversion itself changes, so that models are converted again."""


@dataclass(frozen=True)
class ConversionPlan:
    """A checkpoint to convert, and the texts to compare on."""

    label: str
    checkpoint: RegisteredVersion
    checkpoint_folder: str
    texts_file: str
    conversion_hash: str
    folder: str


@task(task_run_name="plan-conversion-{label}", cache_policy=NO_CACHE, persist_result=False)
def plan_conversion(round_: Round, label: str) -> ConversionPlan:
    """Fetch the label's checkpoint and draw the texts of the sample to compare on."""
    name = round_.registered_model(label)
    checkpoint = resolve(name, round_.checkpoint_alias, label, f"training/{round_.model_round}")
    sample = round_.samples[round_.conversion.sample]
    files = list_sample(sample)
    inputs = [{file.name: file.digest for file in files}, sample.text_column]
    settings = round_.conversion.model_dump(mode="json")
    conversion_hash = fingerprint([CONVERSION_FORMAT, checkpoint.folder_name, inputs, settings])
    texts_file = round_.work_path / "parity_texts" / f"{conversion_hash}.json"
    if not texts_file.is_file():
        count, seed = round_.conversion.parity_texts, round_.conversion.draw_seed
        write_json(texts_file, draw_texts(files, sample, count, seed, "conversion.parity_texts"))
    checkpoint_folder = fetch_folder(checkpoint, round_.work_path / "models")
    folder = round_.work_path / "engines" / label / conversion_hash
    return ConversionPlan(label, checkpoint, str(checkpoint_folder), str(texts_file), conversion_hash, str(folder))


def find_engine(round_: Round, plan: ConversionPlan) -> RegisteredVersion | None:
    """Return the registered engine model that this very conversion made, or None."""
    current = find_version(round_.registered_model(plan.label), round_.engine_alias)
    return current if current is not None and current.tags.get("conversion_hash") == plan.conversion_hash else None


@task(
    task_run_name="convert-{plan.label}",
    retries=len(DELAYS_SECONDS),
    retry_delay_seconds=DELAYS_SECONDS,
    retry_condition_fn=is_worth_retrying,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def convert_label(plan: ConversionPlan) -> EngineModel:
    """Export, quantise and compare; leave the engine model in the plan's folder."""
    from tasks.core.conversion.convert import convert  # noqa: PLC0415 - torch only where it is used

    return convert(Path(plan.checkpoint_folder), plan.label, read_json(Path(plan.texts_file)), Path(plan.folder))


@task(task_run_name="register-{plan.label}", cache_policy=NO_CACHE, persist_result=False)
def register_engine(round_: Round, plan: ConversionPlan, engine: EngineModel) -> RegisteredVersion:
    """Register an engine model under the round's engine alias, its parity figures on an MLflow run."""
    parity = read_parity(Path(engine.folder))
    run_id = log_engine(round_, plan.label, plan.conversion_hash, parity)
    tags = round_.tags(plan.label) | {
        "kind": "engine",
        "variant": engine.variant,
        "source_version": plan.checkpoint.version,
        "config_hash": engine.config_hash,
        "conversion_hash": plan.conversion_hash,
        "engine_digest": engine.digest,
    }
    name = round_.registered_model(plan.label)
    registration = Registration(name, round_.engine_alias, Path(engine.folder), run_id, "engine", tags)
    return register_folder(registration, round_.work_path / "models")


def read_parity(folder: Path) -> dict[str, Any]:
    """Read the parity report of an engine model's folder."""
    report: dict[str, Any] = read_json(folder / PARITY_FILE)
    return report


def publish_parity_table(round_: Round, registered: dict[str, RegisteredVersion]) -> None:
    """Leave every label's parity figures as a table in the Prefect UI."""
    rows = []
    for label, version in registered.items():
        report = read_parity(fetch_folder(version, round_.work_path / "models"))
        for variant in report["variants"]:
            serves = "yes" if variant["variant"] == report["serves"] else ""
            rows.append({"label": label, **variant, "serves": serves})
    create_table_artifact(
        key=artifact_key(round_.name, "parity"),
        table=rows,
        description=f"Engine models of {round_.name} against their checkpoints; one serves as {round_.engine_alias}",
    )

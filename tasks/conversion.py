"""Conversion as Prefect tasks."""

import base64
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_image_artifact
from prefect.logging import get_run_logger

from tasks.artifacts import leave_table
from tasks.core.base.errors import FormatError, InputDataError, ModelFolderError
from tasks.core.base.files import fingerprint, read_json, sha256_of_folder, write_json
from tasks.core.base.folders_aside import sweep
from tasks.core.base.markdown import listed
from tasks.core.base.naming.artifact_names import PARITY_ARTIFACT, RANKING_ARTIFACT, SCATTER_ARTIFACT, artifact_key
from tasks.core.base.naming.composed_names import scatter_picture, texts_file
from tasks.core.base.naming.file_names import PARITY_FILE, PARITY_TABLE, REPORT_FOLDER
from tasks.core.base.naming.work_places import conversion_folder, kept_logits_folder, models_folder, parity_texts_folder
from tasks.core.conversion.parity.parity_shown import ranking_rows, reasons, verdict_rows
from tasks.core.conversion.parity.parity_warnings import warnings_of
from tasks.core.conversion.request import ConversionRequest, mark_began, sweep_conversion
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.corpus.sample.reading import draw_texts
from tasks.core.engines.model_folder import EngineModel, read_engine_model
from tasks.core.metrics.warning_words import marked
from tasks.core.round.model import Round
from tasks.links import add_link
from tasks.records.conversion_runs import describe_engine, engine_tags, record_engine
from tasks.records.reachable import needs_server
from tasks.records.registry import (
    RegisteredVersion,
    Registration,
    fetch_folder,
    find_own_version,
    register_folder,
    resolve,
)
from tasks.records.rivals import find_rivals
from tasks.records.telling import tell
from tasks.retrying import RETRIED, TOLD
from tasks.story import of, say, warn

CONVERSION_FORMAT = 3
"""This number rises when conversion itself changes, so that models are converted again."""
DECISIVE_LIBRARIES = ("torch", "onnx", "onnxruntime", "openvino")


@dataclass(frozen=True)
class ConversionPlan:
    """A checkpoint to convert for the labels it was selected for."""

    name: str
    """The study is called by its label, or by the head of a model with several."""
    checkpoints: dict[str, RegisteredVersion]
    """Each label has the registered checkpoint that was selected for it; the files of all of them are the same."""
    request: ConversionRequest
    conversion_hash: str
    engine_names: dict[str, str]
    """Each label's engine model is registered under this name."""

    @property
    def report_folder(self) -> Path:
        """Where conversion leaves text and pictures."""
        return Path(self.request.folder) / REPORT_FOLDER


@dataclass(frozen=True)
class ComparedTexts:
    """Texts of the sample that variants are compared on."""

    path: Path
    identity: list[Any]
    """All that the drawing follows from."""


@task(task_run_name="plan-{splits.study}", **TOLD)
def plan_conversions(round_: Round, splits: LabelledSplits, students: bool = False) -> list[ConversionPlan]:
    """Fetch the checkpoints selected for a study's labels and draw the texts of the sample to compare on.

    Labels of one checkpoint are converted together. With `students`, the study is a student's.

    Raises:
        TrackingAwayError: the server that holds the checkpoints does not answer.
    """
    with needs_server("The selected checkpoints are in it. Run the conversion flow again when it is back."):
        return _plan_all(round_, splits, students)


def _plan_all(round_: Round, splits: LabelledSplits, students: bool) -> list[ConversionPlan]:
    flow_to_run = f"{'distillation' if students else 'training'}/{round_.model_round}"
    by_files: dict[str, dict[str, RegisteredVersion]] = {}
    for label in splits.labels:
        name = round_.student_model(splits.study) if students else round_.registered_model(label)
        checkpoint = resolve(name, round_.checkpoint_alias, label, flow_to_run)
        _require_same_data(checkpoint, splits, label, flow_to_run)
        by_files.setdefault(checkpoint.digest, {})[label] = checkpoint
    engine_name = round_.student_engine if students else round_.registered_model
    names = {label: engine_name(label) for label in splits.labels}
    return [_plan(round_, splits, checkpoints, names) for checkpoints in by_files.values()]


def _require_same_data(checkpoint: RegisteredVersion, splits: LabelledSplits, label: str, flow_to_run: str) -> None:
    trained_on = checkpoint.tags.get("data_digest")
    if trained_on != splits.digest:
        raise InputDataError(
            f"the labelled data of '{label}' have digest {splits.digest}, but {checkpoint.name} version "
            f"{checkpoint.version} was trained on {trained_on}: its validation and test rows may be others now. Put "
            f"the data back, or run: prefect deployment run {flow_to_run}"
        )


def draw_for_parity(round_: Round) -> ComparedTexts:
    """Draw the texts of the sample that the round's conversions compare on, unless they were drawn before."""
    settings = round_.conversion
    sample = round_.samples[settings.sample]
    files = list_sample(sample)
    drawn = [{file.name: file.digest for file in files}, sample.text_column, settings.scored_texts, settings.draw_seed]
    path = parity_texts_folder(round_.work_path) / texts_file(fingerprint(drawn))
    sweep(path.parent)
    if not path.is_file():
        texts = draw_texts(files, sample, settings.scored_texts, settings.draw_seed, "conversion.scored_texts")
        write_json(path, texts)
    return ComparedTexts(path, drawn)


def _plan(
    round_: Round, splits: LabelledSplits, checkpoints: dict[str, RegisteredVersion], engine_names: dict[str, str]
) -> ConversionPlan:
    settings, first = round_.conversion, next(iter(checkpoints.values()))
    texts = draw_for_parity(round_)
    rivals, labels = find_rivals(round_, first), set(splits.labels)
    versions_by_label = {label: checkpoint.version for label, checkpoint in checkpoints.items()}
    decisive = [first.folder_name, versions_by_label, texts.identity, settings.model_dump(mode="json"), splits.digest]
    versions = {library: version(library).split("+")[0] for library in DECISIVE_LIBRARIES}
    seeds = [[rival.seed, rival.tied] for rival in rivals]
    conversion_hash = fingerprint([CONVERSION_FORMAT, versions, decisive, seeds])
    checkpoint = fetch_folder(first, models_folder(round_.work_path))
    folder = conversion_folder(round_.work_path, round_.name, splits.study, conversion_hash)
    sweep_conversion(folder)
    request = ConversionRequest(
        checkpoint=str(checkpoint),
        sha256=sha256_of_folder(checkpoint),
        labels=tuple(checkpoints),
        texts_file=str(texts.path),
        splits_path=splits.path,
        settings=settings,
        bootstrap_resamples=round_.training.bootstrap_resamples,
        rivals=tuple(rivals),
        folder=str(folder),
        kept_logits=str(kept_logits_folder(round_.work_path)),
        trained_validation_ap=_trained_ap(first) if set(checkpoints) == labels else None,
    )
    return ConversionPlan(splits.study, checkpoints, request, conversion_hash, engine_names)


def _trained_ap(checkpoint: RegisteredVersion) -> float | None:
    """Return the checkpoint's average precision on the validation split, where that is what it was selected by."""
    value = checkpoint.tags.get("validation_average_precision")
    return None if value is None else float(value)


def find_engines(round_: Round, plan: ConversionPlan) -> dict[str, RegisteredVersion]:
    """Return the registered engine models that this very conversion made, by label."""
    models, alias = models_folder(round_.work_path), round_.engine_alias
    found = {label: find_own_version(plan.engine_names[label], alias, models) for label in plan.checkpoints}
    return {
        label: engine
        for label, engine in found.items()
        if engine is not None and engine.tags.get("conversion_hash") == plan.conversion_hash
    }


@task(task_run_name="convert-{plan.name}", **RETRIED)
def convert_checkpoint(plan: ConversionPlan, remake: bool) -> dict[str, EngineModel]:
    """Try every variant; leave the engine models in the plan's folder, or find them there if not to `remake` them."""
    from tasks.core.conversion.convert import convert  # noqa: PLC0415 - torch only where it is used

    finished = None if remake else finished_engines(plan.request)
    if finished is not None:
        return finished
    mark_began(Path(plan.request.folder))
    return convert(plan.request, of(plan.name))


def finished_engines(request: ConversionRequest) -> dict[str, EngineModel] | None:
    """Return the engine models that this conversion left before it was interrupted; None unless all are sound."""
    try:
        return {label: read_engine_model(Path(request.folder) / label) for label in request.labels}
    except (ModelFolderError, FormatError) as error:
        get_run_logger().debug("converting %s: %s", request.checkpoint, error)
        return None


def record_engines(round_: Round, plan: ConversionPlan, engines: list[EngineModel]) -> None:
    """Write what the MLflow server is to hear of a conversion beside its engine models, before it is asked anything."""
    for engine in engines:
        _record(round_, plan, engine, read_parity(Path(engine.folder)))


def _record(round_: Round, plan: ConversionPlan, engine: EngineModel, report: dict[str, Any]) -> Path:
    texts = Path(plan.request.texts_file)
    return record_engine(round_, engine, plan.conversion_hash, report, texts, _again(round_, plan, engine))


def _again(round_: Round, plan: ConversionPlan, engine: EngineModel) -> str:
    """Return the command that registers an engine model, and converts nothing that is converted."""
    of_student = plan.engine_names[engine.label] == round_.student_engine(engine.label)
    return f"prefect deployment run conversion/{round_.name}" + (" -p students=true" if of_student else "")


@task(task_run_name="register-{engine.label}", **TOLD)
def register_engine(round_: Round, plan: ConversionPlan, engine: EngineModel) -> RegisteredVersion:
    """Tell the server of a conversion, and register its engine model under the round's engine alias.

    Raises:
        TrackingAwayError: the server does not answer; the message says what is kept.
    """
    report = read_parity(Path(engine.folder))
    path = _record(round_, plan, engine, report)
    say(f"{engine.label}: {report['serves']} serves, for it is the fastest that passes the gate")
    if engine.gate_weakened:
        warn(f"{engine.label}: gate weakened: {engine.gate_weakened}")
    for warning in warnings_of(report, engine.label):
        warn(warning)
    with needs_server(
        f"The engine model of '{engine.label}' is made and kept in {engine.folder}; what is left is to register it. "
        f"When the server is back, run again: {_again(round_, plan, engine)} (it converts nothing "
        f"again), or tell it the run alone: winnow sync {round_.name}."
    ):
        run = tell(path)
        add_link(f"MLflow, conversion of {engine.label}", f"[{engine.label}]({run.address})")
        add_link(f"engine model of {engine.label}", Path(engine.folder))
        return _register(round_, plan, engine, report, run.run_id)


def _register(
    round_: Round, plan: ConversionPlan, engine: EngineModel, report: dict[str, Any], run_id: str
) -> RegisteredVersion:
    tags = engine_tags(round_, engine, report) | {
        "source_version": plan.checkpoints[engine.label].version,
        "conversion_hash": plan.conversion_hash,
    }
    note = describe_engine(round_, engine, report)
    registration = Registration(
        plan.engine_names[engine.label], round_.engine_alias, Path(engine.folder), run_id, "engine", tags, note
    )
    return register_folder(registration, models_folder(round_.work_path))


def read_parity(folder: Path) -> dict[str, Any]:
    """Read the parity report of an engine model's folder."""
    report: dict[str, Any] = read_json(folder / PARITY_FILE)
    return report


def publish_parity(round_: Round, plans: list[ConversionPlan], registered: dict[str, RegisteredVersion]) -> None:
    """Leave every label's parity figures as tables, and its scatter plot as a picture, in the Prefect UI."""
    for plan in plans:
        for label in registered.keys() & plan.checkpoints:
            folder = fetch_folder(registered[label], models_folder(round_.work_path))
            _publish_tables(round_, _called(round_, plan, label), folder, label)
            picture = plan.report_folder / scatter_picture(label)
            if picture.is_file():
                content = base64.b64encode(picture.read_bytes()).decode()
                key = artifact_key(*_called(round_, plan, label), SCATTER_ARTIFACT)
                create_image_artifact(f"data:image/png;base64,{content}", key=key, description=f"Log-odds of {label}")


def _publish_tables(round_: Round, called: tuple[str, ...], folder: Path, label: str) -> None:
    """Leave the verdict on every variant of a label, and what each does to the ranking."""
    report = read_parity(folder)
    leave_table(
        artifact_key(*called, PARITY_ARTIFACT),
        verdict_rows(report, label),
        f"{marked(warnings_of(report, label))}Engine variants of {label} against its checkpoint; {report['serves']} "
        f"serves as {round_.engine_alias}, the fastest that passes the {report['preset']} gate. How far a text moves "
        "at most to cross the edge of a best k is in log-odds",
    )
    leave_table(
        artifact_key(*called, RANKING_ARTIFACT),
        ranking_rows(report, label),
        f"What each variant of {label} does to the ranking. All figures: `{PARITY_TABLE}` of the conversion's run on "
        f"MLflow, and `{folder / PARITY_FILE}`\n\n{listed(reasons(report, label))}",
    )


def _called(round_: Round, plan: ConversionPlan, label: str) -> tuple[str, ...]:
    """Return what a label's artifacts are called after: its engine model's name without the country."""
    return round_.name, *plan.engine_names[label].split(".")[1:]

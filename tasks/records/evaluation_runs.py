"""An evaluation in MLflow: a run with its figures and files, and the tags and alias of the version that was judged.

The version's tag `calibration` leads to its calibration, `evaluation` to all the rest. The alias
`champion` is set last.
"""

from pathlib import Path

from tasks.core.base.errors import EvaluationError
from tasks.core.base.markdown import markdown_table
from tasks.core.base.naming.file_names import CALIBRATION_FILE, CURVE_TABLE, EVALUATION_FILE
from tasks.core.base.naming.round_names import CHAMPION_ALIAS
from tasks.core.evaluation.calibration.calibrate import Calibration, calibration_from, write_calibration
from tasks.core.evaluation.evaluation_record import Champion, EvaluationRecord, evaluation_from
from tasks.core.evaluation.verdict_tables import curve_rows
from tasks.core.round.model import Round
from tasks.records.registry import (
    RegisteredVersion,
    find_version,
    get_version,
    remove_version_tags,
    set_alias,
    set_version_tags,
)
from tasks.records.tracked_run import KIND_TAG
from tasks.records.tracking import ended_by_outcome, find_or_create_run, read_json_artifact

RUN_ID_TAG = "winnow.run_id"
KIND = "evaluation"
EVALUATION_TAG, CALIBRATION_TAG = "evaluation", "calibration"
FORCED_TAG, PRECISION_TAG = "forced_because", "precision_at_"
OF_CALIBRATION = ("threshold", "expansion")


def find_champion(registered_model: str) -> Champion | None:
    """Return a model's champion and its evaluation, or None where there is none."""
    found = find_version(registered_model, CHAMPION_ALIAS)
    if found is None:
        return None
    where = found.tags.get(EVALUATION_TAG)
    if where is None:
        return Champion(found.name, found.version, None)
    content = read_json_artifact(_run_of(where), EVALUATION_FILE)
    return Champion(found.name, found.version, evaluation_from(content, where))


def find_calibration(registered: RegisteredVersion) -> Calibration | None:
    """Return a version's calibration, or None where it has none."""
    where = registered.tags.get(CALIBRATION_TAG)
    return None if where is None else calibration_from(read_json_artifact(_run_of(where), CALIBRATION_FILE), where)


def fetch_calibration(registered: RegisteredVersion, folder: Path) -> Path | None:
    """Leave a version's calibration in a folder and return its path, or None where it has none."""
    found = find_calibration(registered)
    if found is None:
        return None
    write_calibration(folder / CALIBRATION_FILE, found)
    return folder / CALIBRATION_FILE


def log_evaluation(round_: Round, record: EvaluationRecord, folder: Path) -> str:
    """Leave an evaluation and its files on an MLflow run of its own, the same each time, and return its id."""
    identity = {KIND_TAG: KIND, RUN_ID_TAG: record.run_id, "label": record.label}
    run = find_or_create_run(round_.name, f"{record.label} evaluation", identity, round_.tags(record.label))
    with ended_by_outcome(run):
        run.log_figures(figures_of(record), prefix="pool/")
        run.set_tags({"decision": record.decision, "verdict": record.sentence} | _forced(record))
        run.remove_tags(_withdrawn(record))
        for path in sorted(folder.iterdir()):
            run.log_file(path)
        run.log_text(CURVE_TABLE, markdown_table(curve_rows(record)) if record.curve else "nothing is labelled")
    return run.run_id


def figures_of(record: EvaluationRecord) -> dict[str, float]:
    """Return an evaluation's figures, flat and named as MLflow takes them."""
    found: dict[str, float | None] = {"answered": record.answered, "asked": record.asked, "labels": record.labels}
    for rank, top in record.tops.items():
        found |= _interval(f"precision_at_{rank}", top["precision"]) | _interval(f"recall_at_{rank}", top["recall"])
    found |= _interval("positives", record.positives)
    if record.expansion is not None:
        found |= _interval("expansion", record.expansion["above"])
        found |= _interval("precision_at_threshold", record.expansion["precision"])
        found |= _interval("recall_at_threshold", record.expansion["recall"])
        found["threshold"] = record.calibration["threshold"]
    found |= {name: (record.drift or {}).get(name) for name in ("psi", "ks")}
    return {name: float(value) for name, value in found.items() if value is not None}


def publish_version(record: EvaluationRecord, mlflow_run: str, promotes: bool) -> RegisteredVersion:
    """Say on the version's page what was found, and make it champion where the gate says so; the alias comes last.

    Raises:
        EvaluationError: another version became champion since the gate judged.
    """
    registered = get_version(record.registered_model, record.version)
    if promotes:
        _require_same_champion(record)
    tags = _tags_of(record, mlflow_run)
    gone = {name for name in registered.tags if name.startswith(PRECISION_TAG)} - tags.keys()
    if registered.tags.get(CALIBRATION_TAG, "").startswith(f"runs:/{mlflow_run}/"):
        # The same run was calibrated, perhaps by labels that count no more.
        gone |= {CALIBRATION_TAG, *OF_CALIBRATION} - tags.keys()
    remove_version_tags(registered, {*gone, *_withdrawn(record)})
    if promotes:
        tags["champion_before"] = record.champion_version or "none"
    set_version_tags(registered, tags)
    if promotes:
        set_alias(registered, CHAMPION_ALIAS)
    return registered


def _tags_of(record: EvaluationRecord, mlflow_run: str) -> dict[str, str]:
    """Return what an evaluation says on its version's page."""
    tags = {EVALUATION_TAG: f"runs:/{mlflow_run}/{EVALUATION_FILE}", "release": record.sentence} | _forced(record)
    known = {rank: top["precision"] for rank, top in record.tops.items() if top["precision"]}
    tags |= {f"{PRECISION_TAG}{rank}": _said(precision) for rank, precision in known.items()}
    if record.expansion is not None:
        tags[CALIBRATION_TAG] = f"runs:/{mlflow_run}/{CALIBRATION_FILE}"
        said = (repr(record.calibration["threshold"]), _said(record.expansion["above"]))
        tags |= dict(zip(OF_CALIBRATION, said, strict=True))
    return tags


def _require_same_champion(record: EvaluationRecord) -> None:
    """Refuse to make a version champion in place of one that it was never compared with."""
    found = find_version(record.registered_model, CHAMPION_ALIAS)
    if found is not None and found.version not in {record.version, record.champion_version}:
        raise EvaluationError(
            f"{record.registered_model} version {record.version} was judged beside champion "
            f"{record.champion_version or 'none'}, but meanwhile version {found.version} became champion, by another "
            "evaluation. Run this evaluation again: it compares with that one."
        )


def tell_selection(round_: Round, record: EvaluationRecord) -> None:
    """Say on the selected checkpoint's page whether the pool agrees with the validation that selected it."""
    selected = find_version(record.registered_model, round_.checkpoint_alias)
    if record.tied_seeds is not None and selected is not None:
        set_version_tags(selected, {"on_the_pool": record.tied_seeds["sentence"]})


def _interval(name: str, estimate: dict[str, float] | None) -> dict[str, float | None]:
    if estimate is None:
        return {}
    return {name: estimate["value"], f"{name}_low": estimate["low"], f"{name}_high": estimate["high"]}


def _said(estimate: dict[str, float]) -> str:
    return "{value:.4g} ({low:.4g} to {high:.4g})".format(**estimate)


def _forced(record: EvaluationRecord) -> dict[str, str]:
    return {FORCED_TAG: record.force_reason} if record.force_reason else {}


def _withdrawn(record: EvaluationRecord) -> tuple[str, ...]:
    """Return the tags of an earlier evaluation that hold no more; who stands by force stands by its reason."""
    return () if record.force_reason or record.decision == "stands" else (FORCED_TAG,)


def _run_of(where: str) -> str:
    return where.removeprefix("runs:/").split("/", maxsplit=1)[0]

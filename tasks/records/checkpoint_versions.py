"""The selected checkpoint in the registry: once a label, under the round's alias."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tasks.core.base.errors import TrainingError
from tasks.core.base.files import fingerprint, sha256_of_folder
from tasks.core.base.naming.composed_names import uploaded_checkpoint
from tasks.core.base.naming.round_names import CHAMPION_ALIAS
from tasks.core.base.naming.work_places import models_folder
from tasks.core.conversion.packing.pyfunc_files import write_checkpoint_pyfunc_files
from tasks.core.round.model import Round
from tasks.core.training.seeds.seed_plan import verify_checkpoint
from tasks.core.training.seeds.selection import Selection
from tasks.core.training.trainer.checkpoint import read_card
from tasks.records.child_runs import finished_seed_run
from tasks.records.registry import (
    UploadedFiles,
    describe_model,
    describe_version,
    find_own_version,
    register_version,
    set_version_tags,
    upload_files,
)
from tasks.records.tracked_run import TrackedRun


def register_checkpoint(round_: Round, parent: TrackedRun, selection: Selection, note: str) -> None:
    """Register the winner under the round's alias for each label; where the alias stands for it, renew what it says.

    `note` is what the version's page says.
    """
    winner, alias = selection.winner, round_.checkpoint_alias
    splits = winner.plan.splits
    names = {label: round_.registered_model(label) for label in splits.labels}
    models = models_folder(round_.work_path)
    current = {label: find_own_version(name, alias, models) for label, name in names.items()}
    tags = {label: round_.tags(label) | _version_tags(parent, selection) for label in names}
    stale = []
    for label, found in current.items():
        if found is None or found.tags.get("config_hash") != winner.result.config_hash:
            stale.append(label)
        else:
            set_version_tags(found, tags[label])
            describe_version(found, note)
    if stale:
        _register(round_, parent, selection, {label: tags[label] for label in stale}, note)
    for label, name in names.items():
        describe_model(name, model_note(round_, label))


def model_note(round_: Round, label: str) -> str:
    """Return what the page of a label's registered model says."""
    return (
        f"Models of **{label}**, {round_.model_country or round_.country}. Of each round one version is the checkpoint "
        f"that was selected (alias such as `{round_.checkpoint_alias}`), another the engine model made from it that "
        f"inference runs (`{round_.engine_alias}`); `{CHAMPION_ALIAS}` is the one in production. "
        f'Each is loaded by `mlflow.pyfunc.load_model("models:/{round_.registered_model(label)}@'
        f'{round_.engine_alias}")`, which takes texts and gives probabilities.'
    )


def _register(
    round_: Round, parent: TrackedRun, selection: Selection, tags: dict[str, dict[str, str]], note: str
) -> None:
    """Upload the winner's checkpoint once and register it for the labels of `tags`."""
    winner = selection.winner
    verify_checkpoint(winner.plan.folder, winner.result.checkpoint_sha256)
    run = finished_seed_run(winner.plan, parent)
    if run is None:
        raise TrainingError(
            f"seed {winner.result.seed} of '{winner.plan.study}' has no finished MLflow run; run training again"
        )
    uploaded = upload_checkpoint(winner.plan.folder, winner.result.checkpoint_sha256, run.run_id)
    for label, own in tags.items():
        name = round_.registered_model(label)
        register_version(name, round_.checkpoint_alias, uploaded, own, models_folder(round_.work_path), note)


def upload_checkpoint(folder: Path, sha256: dict[str, str], run_id: str) -> UploadedFiles:
    """Upload a checkpoint to a run, with what makes it loadable by MLflow beside its files.

    What lies beside follows from Winnow's own code, and so does the place: a version that was registered by another
    Winnow has files in the same run, and they stay as they were.
    """
    with TemporaryDirectory() as aside:
        beside = Path(aside)
        write_checkpoint_pyfunc_files(beside, read_card(folder))
        place = uploaded_checkpoint(fingerprint(sha256_of_folder(beside)))
        return upload_files(folder, sha256, run_id, place, beside)


def _version_tags(parent: TrackedRun, selection: Selection) -> dict[str, str]:
    winner, metric = selection.winner, f"validation_{selection.metric}"
    splits = winner.plan.splits
    return {
        "kind": "checkpoint",
        "seed": str(winner.result.seed),
        metric: repr(winner.value),
        "config_hash": winner.result.config_hash,
        "data_digest": splits.digest,
        "study_run_id": parent.run_id,
    }

"""The selected checkpoint in the registry: once a label, under the round's alias."""

from tasks.core.base.errors import TrainingError
from tasks.core.base.naming import models_folder
from tasks.core.round.model import Round
from tasks.core.training.seeds.seed_plan import verify_checkpoint
from tasks.core.training.seeds.selection import Selection
from tasks.records.child_runs import finished_seed_run
from tasks.records.registry import find_own_version, register_version, set_version_tags, upload_files
from tasks.records.tracking import TrackedRun


def register_checkpoint(round_: Round, parent: TrackedRun, selection: Selection) -> None:
    """Register the winner under the round's alias for each label; where the alias stands for it, renew the tags."""
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
    if stale:
        _register(round_, parent, selection, {label: tags[label] for label in stale})


def _register(round_: Round, parent: TrackedRun, selection: Selection, tags: dict[str, dict[str, str]]) -> None:
    """Upload the winner's checkpoint once and register it for the labels of `tags`."""
    winner = selection.winner
    verify_checkpoint(winner.plan.folder, winner.result.checkpoint_sha256)
    run = finished_seed_run(winner.plan, parent)
    if run is None:
        raise TrainingError(
            f"seed {winner.result.seed} of '{winner.plan.study}' has no finished MLflow run; run training again"
        )
    uploaded = upload_files(winner.plan.folder, winner.result.checkpoint_sha256, run.run_id, "checkpoint")
    for label, own in tags.items():
        name = round_.registered_model(label)
        register_version(name, round_.checkpoint_alias, uploaded, own, models_folder(round_.work_path))


def _version_tags(parent: TrackedRun, selection: Selection) -> dict[str, str]:
    winner, metric = selection.winner, f"validation_{selection.metric}"
    splits = winner.plan.splits
    return {
        "kind": "checkpoint",
        "head": splits.head,
        "seed": str(winner.result.seed),
        "metric": metric,
        metric: repr(winner.value),
        "interval": str(winner.validation),
        "tied_seeds": ",".join(str(seed) for seed in selection.tied_seeds),
        "config_hash": winner.result.config_hash,
        "data_digest": splits.digest,
        "study_run_id": parent.run_id,
    }

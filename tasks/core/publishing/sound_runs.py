"""Runs that can be published as one version: sound, of the same models, and each id in one row of one of them."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.runs.audit.verified import verify_once
from tasks.core.runs.duplicate_ids import shared_ids
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import DUPLICATE_IDS, read_manifest
from tasks.core.runs.open_run import is_of_seeds, open_run
from tasks.core.runs.plan import Plan

SHOWN = 3
Run = tuple[Plan, RunFolder]


def sound_runs(folders: Sequence[Path], verify_anew: bool) -> tuple[list[Run], dict[str, str]]:
    """Return runs that are to be one version, and the model that scored each label in all of them; see `verify_once`.

    Raises:
        RunFolderError: a run is not finished, or does not verify.
        InputDataError: runs are of other labels or models than the first, of seeds, or hold an id twice.
    """
    runs = [_sound(path, verify_anew) for path in folders]
    models = _shared_models(runs)
    _require_apart(runs)
    return runs, models


def models_of(plan: Plan) -> dict[str, str]:
    """Return the registered model and version that scored each label of a run."""
    return {use.label: f"{use.registered_model} {use.version}" for use in plan.engines}


def read_models(path: Path) -> dict[str, str]:
    """Return the registered model and version that scored each label of a run folder.

    Raises:
        RunFolderError: it is no run folder.
    """
    return models_of(open_run(path)[0])


def _sound(path: Path, verify_anew: bool) -> Run:
    plan, folder = open_run(path)
    findings = [str(found) for found in verify_once(path, verify_anew) if found.is_error]
    if findings:
        said = "\n".join(f"  {finding}" for finding in findings[:SHOWN])
        raise RunFolderError(
            f"{path} does not verify, so nothing of it is published: {len(findings)} findings, such as\n{said}\n"
            f"`winnow verify {path}` names them all. Then go on with the run: winnow rerun {path}"
        )
    if is_of_seeds(plan):
        raise InputDataError(f"{path} was scored by seeds, for a student to learn from, and is nothing to publish")
    _require_single_ids(plan, folder)
    return plan, folder


def _require_single_ids(plan: Plan, folder: RunFolder) -> None:
    manifest = read_manifest(plan, folder) or {"counts": {}}
    doubled = manifest["counts"].get(DUPLICATE_IDS)
    if doubled:
        raise InputDataError(
            f"{doubled} rows of {folder.path} have an id that another row has, and a lookup can answer for one of them "
            "only. Give the sample's rows ids of their own, or leave the repeated ones out, and score it again."
        )


def _require_apart(runs: Sequence[Run]) -> None:
    """Refuse runs that have ids in common, as samples do of which one was drawn from the other."""
    for first, second in combinations(runs, 2):
        ids = shared_ids(first, second, SHOWN)
        if ids:
            raise InputDataError(
                f"{first[1].path} and {second[1].path} have ids in common, such as {', '.join(map(repr, ids))}, and a "
                "lookup can answer for one row of an id only. Publish one of the samples (publishing.samples in the "
                "round file, or -p run_folders=...), or leave the common rows out of one of them and score it again."
            )


def _shared_models(runs: Sequence[Run]) -> dict[str, str]:
    """Return which model version scored each label in all of the runs."""
    if not runs:
        raise InputDataError("no run folder is named, so there is nothing to publish")
    found = [models_of(plan) for plan, _ in runs]
    for (_, folder), models in zip(runs, found, strict=True):
        if models != found[0]:
            raise InputDataError(
                f"{folder.path} was scored by {models}, but {runs[0][1].path} by {found[0]}: one version holds scores "
                "of the same models alone. Score the samples by the same round, or publish one of them."
            )
    return found[0]

"""The finished run whose scores the next batch is drawn from."""

from pathlib import Path

from tasks.core.base.errors import InputDataError, RoundFileError, RunFolderError
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.open_run import is_of_seeds, open_run
from tasks.core.runs.plan import Plan
from tasks.core.runs.round_runs import whole_runs

FIRST, ELSE = "new_samples", "evaluation"
"""A batch is drawn from the first of these, where the round has it, and else from the other."""


def sample_of(round_: Round) -> str:
    """Return which of the round's samples a batch is drawn from.

    Raises:
        RoundFileError: the round has neither of those that are taken unasked.
    """
    name = round_.sampling.sample or (FIRST if FIRST in round_.samples else ELSE)
    if name not in round_.samples:
        raise RoundFileError(
            f"sampling takes the sample '{FIRST}' or '{ELSE}', but the round {round_.name} has "
            f"{sorted(round_.samples)}: say in sampling.sample which of them"
        )
    return name


def find_scored_run(round_: Round, run_name: str) -> tuple[Plan, RunFolder]:
    """Return the newest finished run of the round over the whole sample.

    Raises:
        RunFolderError: there is none.
    """
    sample = sample_of(round_)
    for plan, folder in whole_runs(round_, run_name, sample):
        return require_scored(round_, plan, folder)
    raise RunFolderError(
        f"no finished run '{run_name}' of {round_.name} over all of the sample '{sample}' lies in "
        f"{round_.inference.output_path}. Run: prefect deployment run inference/{round_.name} -p sample={sample} "
        f"-p run_name={run_name}. To draw from another run, name its folder: -p run_folder=PATH"
    )


def open_scored_run(round_: Round, path: Path) -> tuple[Plan, RunFolder]:
    """Open a run folder that a person named, also one of another round of these labels or of a part of the sample."""
    return require_scored(round_, *open_run(path))


def require_scored(round_: Round, plan: Plan, folder: RunFolder) -> tuple[Plan, RunFolder]:
    """Return a run that texts can be drawn from.

    Raises:
        RunFolderError: it is not finished.
        InputDataError: seeds scored it, or it was made of another sample, or lacks a label of the round.
    """
    if read_manifest(plan, folder) is None:
        raise RunFolderError(
            f"the run {folder.path} is not finished, so its ranks are not known: run its inference again"
        )
    if is_of_seeds(plan):
        raise InputDataError(
            f"the run {folder.path} was scored by seeds, for a student to learn from, and not by what the round "
            f"selected. Run: prefect deployment run inference/{round_.name}"
        )
    if plan.sample_name != sample_of(round_):
        raise InputDataError(
            f"the run {folder.path} scored the sample '{plan.sample_name}', but sampling draws from "
            f"'{sample_of(round_)}': set sampling.sample to '{plan.sample_name}' in the round file, or name another run"
        )
    scored = {use.label for use in plan.engines}
    lacking = [label for label in round_.active_labels if label not in scored]
    if lacking:
        raise InputDataError(
            f"the run {folder.path} has scored {sorted(scored)}, but not {lacking}. Run the round's inference again, "
            "or set these labels to null in the round file."
        )
    return plan, folder

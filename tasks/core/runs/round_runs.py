"""The finished runs of a round that stand for it: of the whole sample, by the models that it selected."""

from collections.abc import Iterator

from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder, find_run_folders
from tasks.core.runs.open_run import is_of_seeds
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan


def runs_of_round(round_: Round, run_name: str, sample: str) -> Iterator[tuple[Plan, RunFolder]]:
    """Yield a round's finished runs of a sample and run name, the newest first; trials of some rows are among them.

    What seeds scored, for a student to learn from, is left out.
    """
    for folder in find_run_folders(round_.inference.output_path, run_name, sample):
        plan = read_plan(folder)
        if plan.round_name == round_.name and not is_of_seeds(plan):
            yield plan, folder


def whole_runs(round_: Round, run_name: str, sample: str) -> Iterator[tuple[Plan, RunFolder]]:
    """Yield those that are no trials: all rows of the sample were to be scored."""
    return ((plan, folder) for plan, folder in runs_of_round(round_, run_name, sample) if plan.inputs.limit is None)

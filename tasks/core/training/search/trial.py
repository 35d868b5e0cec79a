"""One trial of a search: a setting of the grid, trained up to a step, from where the last rung left it."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.core.base.folders_aside import sweep
from tasks.core.base.formats import FileFormat, read_record, unchanged, write_record
from tasks.core.base.naming.composed_names import trial_record
from tasks.core.metrics.figures import LOWER_IS_BETTER
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.trainer.steps import Pace, Report, evaluation_steps, evaluations_of, total_steps
from tasks.core.training.trainer.workspace import claim_workspace, discard_left, discard_workspace


@dataclass(frozen=True)
class TrialStep:
    """A trial, and how far it is to be trained now."""

    plan: SeedPlan
    stop_at_step: int

    @property
    def name(self) -> str:
        """`positive batch 16 rate 1e-05`."""
        training = self.plan.training
        return f"{self.plan.study} batch {training.batch_size} rate {training.learning_rate:g}"

    @property
    def steps(self) -> int:
        """Steps of the trial's whole training."""
        return total_steps(self.plan.training, self.plan.splits.rows["train"])

    @property
    def path(self) -> Path:
        """Where the step's result lies."""
        return self.plan.folder / trial_record(self.stop_at_step)


@dataclass(frozen=True)
class TrialResult:
    """What a trial gave up to a step."""

    config_hash: str
    stop_at_step: int
    value: float
    """The round's metric has this validation figure: the step's, or at the end the best scheduled evaluation's."""
    evaluations: list[dict[str, float]]

    def best_evaluation(self, metric: str) -> dict[str, float]:
        """Return the evaluation that gave the value."""
        return next(entry for entry in self.evaluations if entry[f"validation_{metric}"] == self.value)


TRIAL_RESULT = FileFormat(
    kind="trial's result",
    number=2,
    schema=TrialResult,
    remedy="Delete it and run the training flow again",
    unnumbered=1,
    migrations={1: unchanged},
)


def _judge(step: TrialStep, evaluations: list[dict[str, float]]) -> TrialResult:
    """Value a trial by evaluations that every way of reaching its step has: rungs between leave no trace."""
    metric = step.plan.training.metric
    scheduled = evaluation_steps(step.plan.training, step.steps) if step.stop_at_step == step.steps else set()
    counted = [entry for entry in evaluations if entry["step"] in scheduled | {step.stop_at_step}]
    best = min if metric in LOWER_IS_BETTER else max
    value = best(entry[f"validation_{metric}"] for entry in counted)
    return TrialResult(step.plan.config_hash, step.stop_at_step, value, counted)


def read_trial(step: TrialStep) -> TrialResult | None:
    """Return the stored result of a trial's step, or None."""
    return TrialResult(**read_record(step.path, TRIAL_RESULT)) if step.path.is_file() else None


def run_trial(step: TrialStep, report: Report, pace: Pace | None = None) -> TrialResult:
    """Train the trial up to its step, or return the stored result; `report` hears of every evaluation either way.

    `pace` hears of every step.
    """
    sweep(step.plan.folder)
    stored = read_trial(step)
    if stored is not None:
        if step.stop_at_step >= step.steps:
            discard_left(step.plan.folder)
        for number, figures in enumerate(stored.evaluations, start=1):
            report(number, figures)
        return stored
    from tasks.core.training.trainer.finetune import finetune  # noqa: PLC0415 - torch only where a model is trained

    with claim_workspace(step.plan.folder) as workspace:
        evaluations = evaluations_of(finetune(step.plan, workspace, report, step.stop_at_step, pace).state)
        result = _judge(step, evaluations)
        write_record(step.path, TRIAL_RESULT, asdict(result))
        if step.stop_at_step >= step.steps:
            discard_workspace(workspace)
    return result

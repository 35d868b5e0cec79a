"""The hyper-parameter search: a full grid, or the same grid pruned by successive halving (Jamieson and Talwalkar 2016).

Optuna keeps the trials; rungs are trained side by side and judged together, so that the same figures always lead to the
same winner. A search that was interrupted is replayed from
the stored results of its trials.
"""

import itertools
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from tasks.core.base.errors import TrainingError
from tasks.core.base.markdown import markdown_table
from tasks.core.base.naming.work_places import trials_folder
from tasks.core.metrics.figures import LOWER_IS_BETTER
from tasks.core.training.search.trial import TrialResult, TrialStep
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.trainer.steps import total_steps
from tasks.core.training.trainer.workspace import discard_workspace, workspace_of

TIE_ATTRIBUTE = "tie_order"
TIE_RULE = "best validation figure; among equal ones fewer optimiser steps, then the lower learning rate"


@dataclass
class _Trial:
    plan: SeedPlan
    asked: optuna.trial.Trial
    result: TrialResult | None = None
    state: str = "running"


class _RungPruner(optuna.pruners.BasePruner):
    """Successive halving, rung by rung: of the trials that reached a rung, the best of each `reduction_factor` go on.

    Optuna's own pruner judges a trial by those before it, so that its verdict depends on who comes first.
    """

    def __init__(self, reduction_factor: int) -> None:
        self._reduction_factor = reduction_factor

    def prune(self, study: optuna.study.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Say whether the trial does not go on."""
        rung = trial.last_step if trial.last_step is not None else -1
        reached = [other for other in study.get_trials(deepcopy=False) if rung in other.intermediate_values]
        sign = 1 if study.direction == optuna.study.StudyDirection.MINIMIZE else -1
        reached.sort(key=lambda other: (sign * other.intermediate_values[rung], *other.user_attrs[TIE_ATTRIBUTE]))
        kept = reached[: ceil(len(reached) / self._reduction_factor)]
        return trial.number not in {other.number for other in kept}


class Search:
    """The search of one study: give out a rung's trials, take their results, until there is an outcome."""

    def __init__(self, template: SeedPlan) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._settings = template.training.search
        self._metric = template.training.metric
        self._template = template
        halving = _RungPruner(self._settings.reduction_factor)
        study = optuna.create_study(
            direction="minimize" if self._metric in LOWER_IS_BETTER else "maximize",
            pruner=halving if self._settings.strategy == "halving" else optuna.pruners.NopPruner(),
        )
        self._study = study
        self._rung = 0
        self._rungs = self._settings.rungs if self._settings.strategy == "halving" else 1
        self._trials = [_Trial(plan, study.ask()) for plan in plan_trials(template)]
        for trial in self._trials:
            trial.asked.set_user_attr(TIE_ATTRIBUTE, _tie_order(trial.plan))

    def pending(self) -> list[TrialStep]:
        """Return the current rung's trials; none when the search has ended."""
        if self._rung == self._rungs:
            return []
        return [TrialStep(trial.plan, self._stop_at(trial.plan)) for trial in self._running()]

    def judge(self, results: dict[str, TrialResult], failures: dict[str, str]) -> None:
        """Take the rung's results and failures, by config hash; prune, and go on to the next rung."""
        for trial in self._running():
            key = trial.plan.config_hash
            if key in failures:
                trial.state = f"failed: {failures[key]}"
                self._study.tell(trial.asked, state=TrialState.FAIL)
            else:
                trial.result = results[key]
                trial.asked.report(trial.result.value, self._rung)
        self._rung += 1
        if self._rung == self._rungs:
            self._finish()
        else:
            self._prune()

    def _finish(self) -> None:
        for trial in self._running():
            trial.state = "finished"
            self._study.tell(trial.asked, state=TrialState.COMPLETE, values=_value(trial))

    def _prune(self) -> None:
        pruned = [trial for trial in self._running() if trial.asked.should_prune()]
        for trial in pruned:
            trial.state = "pruned"
            self._study.tell(trial.asked, state=TrialState.PRUNED)
            discard_workspace(workspace_of(trial.plan.folder))

    def outcome(self) -> "SearchOutcome":
        """Return the best setting and all trials.

        Raises:
            TrainingError: no trial was trained to the end, or none scored above 0.
        """
        sign = 1 if self._metric in LOWER_IS_BETTER else -1
        ordered = sorted(self._trials, key=lambda trial: _order(trial, sign))
        grid_steps = sum(self._steps(trial.plan) for trial in ordered)
        done = sum(trial.result.stop_at_step for trial in ordered if trial.result is not None)
        rows = [_row(trial, self._metric) for trial in ordered]
        best = ordered[0]
        usable = best.state == "finished" and best.result is not None and (sign == 1 or best.result.value > 0)
        if not usable or best.result is None:
            raise TrainingError(
                f"the search of '{self._template.study}' found no setting: every trial failed or scored 0 "
                f"validation {self._metric}.\n{markdown_table(rows)}\n"
                "Check labels and base model, and give training.search other learning rates."
            )
        training = best.plan.training
        return SearchOutcome(
            self._template.study, self._metric, training.batch_size, training.learning_rate, best.result.value, rows,
            done, grid_steps
        )  # fmt: skip

    def _running(self) -> list[_Trial]:
        return [trial for trial in self._trials if trial.state == "running"]

    def _steps(self, plan: SeedPlan) -> int:
        return total_steps(plan.training, plan.splits.rows["train"])

    def _stop_at(self, plan: SeedPlan) -> int:
        rungs_left = self._rungs - 1 - self._rung
        return max(1, round(self._steps(plan) / float(self._settings.reduction_factor) ** rungs_left))


@dataclass(frozen=True)
class SearchOutcome:
    """What a search found; the record is kept as `search.json`."""

    study: str
    metric: str
    batch_size: int
    learning_rate: float
    value: float
    rows: list[dict[str, Any]]
    """Each row is a trial, the best first."""
    steps: int
    """All trials together made so many optimiser steps."""
    grid_steps: int
    """The full grid would make so many optimiser steps."""

    def apply(self, plan: SeedPlan) -> SeedPlan:
        """Return the plan with the settings that were found."""
        found = {"batch_size": self.batch_size, "learning_rate": self.learning_rate}
        return replace(plan, training=plan.training.model_copy(update=found))

    def text(self, base_model: str) -> str:
        """Return the table and its conclusion in the words of source document 004."""
        f1 = self.rows[0]["F1-Score"]
        return (
            f"{markdown_table(self.rows)}\n\nModel is {base_model}\n"
            f"Best Configuration is {self.batch_size} {self.learning_rate:g}\nBest F1 is {f1}\n"
            f"Best {self.metric} is {self.value} ({TIE_RULE}); {self.steps} of {self.grid_steps} optimiser steps"
        )


def _tie_order(plan: SeedPlan) -> list[float]:
    return [total_steps(plan.training, plan.splits.rows["train"]), plan.training.learning_rate]


def _value(trial: _Trial) -> float | None:
    return trial.result.value if trial.result is not None else None


def plan_trials(template: SeedPlan) -> list[SeedPlan]:
    """Return a plan for every setting of the grid; a trial is trained to its end, however patient the seeds are."""
    settings = template.training.search
    trainings = [
        template.training.model_copy(
            update={"batch_size": batch_size, "learning_rate": learning_rate, "patience_evaluations": None}
        )
        for batch_size, learning_rate in itertools.product(settings.batch_sizes, settings.learning_rates)
    ]
    root = str(trials_folder(Path(template.root)))
    return [replace(template, training=training, seed=settings.seed, root=root) for training in trainings]


def _order(trial: _Trial, sign: int) -> tuple[Any, ...]:
    """Sort what was trained to the end first, then by the tie rule."""
    failed = trial.state.startswith("failed")
    return failed, trial.state != "finished", sign * (_value(trial) or 0.0), *_tie_order(trial.plan)


def _row(trial: _Trial, metric: str) -> dict[str, Any]:
    training, result = trial.plan.training, trial.result
    return {
        "F1-Score": result.best_evaluation(metric)["validation_f1"] if result else None,
        metric: result.value if result else None,
        "BatchSize": training.batch_size,
        "LearningRate": training.learning_rate,
        "steps": result.stop_at_step if result else 0,
        "state": trial.state,
    }

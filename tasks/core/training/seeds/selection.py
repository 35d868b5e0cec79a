"""Which seed wins, how sure that is, and which others could as well have won."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import TrainingError
from tasks.core.metrics.bootstrap import Interval, draw_resamples, interval, lead, resampled_values
from tasks.core.metrics.figures import LOWER_IS_BETTER
from tasks.core.training.seeds.predictions import read_predictions
from tasks.core.training.seeds.seed_plan import SeedPlan, SeedResult, read_result

TIE_RULE = "best validation figure; among equal ones the lower validation log loss, then the lowest seed"
TIED = "the 95 % interval of the winner's lead, by paired bootstrap over the validation rows, reaches 0"


@dataclass(frozen=True)
class Candidate:
    """A finished seed that may be chosen."""

    plan: SeedPlan
    result: SeedResult
    value: float
    """The candidate has this validation figure of the round's metric."""
    validation: Interval
    test: Interval | None
    """Only the winner has a test figure: the others' decide nothing."""
    winners_lead: Interval
    """The winner is ahead by so much on the same resamples."""

    @property
    def tied(self) -> bool:
        """Whether the candidate could as well have won; so could the winner itself."""
        return self.winners_lead.low <= 0


@dataclass(frozen=True)
class Selection:
    """A study's choice."""

    metric: str
    winner: Candidate
    candidates: list[Candidate]
    failed: dict[int, str]
    """These seeds did not finish, each for the reason given."""

    @property
    def tied_seeds(self) -> list[int]:
        """Seeds statistically tied with the winner, itself included."""
        return [candidate.result.seed for candidate in self.candidates if candidate.tied]

    def record(self) -> dict[str, Any]:
        """Return the selection as JSON."""
        splits = self.winner.plan.splits
        return {
            "study": splits.study,
            "labels": list(splits.labels),
            "head": splits.head,
            "data": asdict(splits),
            "metric": f"validation_{self.metric}",
            "tie_rule": TIE_RULE,
            "tied_means": TIED,
            "winner": _candidate_record(self.winner),
            "tied_seeds": self.tied_seeds,
            "failed_seeds": {str(seed): reason for seed, reason in self.failed.items()},
            "seeds": [
                _candidate_record(candidate) | {"evaluations": candidate.result.evaluations}
                for candidate in self.candidates
            ],
        }

    def table(self) -> list[dict[str, Any]]:
        """Return one row a seed for a person to read, the winner marked; failed seeds last."""
        finished = [self._row(candidate) for candidate in self.candidates]
        empty = dict.fromkeys(finished[0], "")
        study = self.winner.plan.study
        failed = [
            empty | {"study": study, "seed": seed, "selected": f"failed: {why}"} for seed, why in self.failed.items()
        ]
        return finished + failed

    def verdict_rows(self) -> list[dict[str, Any]]:
        """Return the columns of the table that say which seed was selected and why."""
        shown = ("selected", "study", "seed", f"validation {self.metric}", "95 % interval", "test AP")
        return [{column: row[column] for column in shown} for row in self.table()]

    def test_rows(self) -> list[dict[str, Any]]:
        """Return the columns of the table that say how each finished seed does on the test rows."""
        shown = ("study", "seed", "test AP", "test F1", "test precision", "test recall")
        return [{column: row[column] for column in shown} for row in self.table() if row["test AP"]]

    def _row(self, candidate: Candidate) -> dict[str, Any]:
        figures = candidate.result.metrics
        selected = "winner" if candidate is self.winner else "tied" if candidate.tied else ""
        return {
            "selected": selected,
            "study": candidate.plan.study,
            "seed": candidate.result.seed,
            f"validation {self.metric}": f"{candidate.value:.4f}",
            "95 % interval": str(candidate.validation),
            "test AP": f"{figures['test_average_precision']:.4f}",
            "test F1": f"{figures['test_f1']:.4f}",
            "test precision": f"{figures['test_precision']:.4f}",
            "test recall": f"{figures['test_recall']:.4f}",
        }


def select_seed(plans: list[SeedPlan], failed: dict[int, str]) -> Selection:
    """Choose the seed with the best validation figure of the round's metric among the finished ones.

    `failed` says why a seed of `plans` has no result.

    Raises:
        TrainingError: a seed has no result, and the round asks for all, or for more than there are.
    """
    results = {
        plan.seed: result for plan in plans if plan.seed not in failed and (result := read_result(plan)) is not None
    }
    missing = {plan.seed: failed.get(plan.seed, "no result") for plan in plans if plan.seed not in results}
    _require_enough(plans, len(results), missing)
    finished = [plan for plan in plans if plan.seed in results]
    training = plans[0].training
    sign = 1 if training.metric in LOWER_IS_BETTER else -1

    def order(plan: SeedPlan) -> tuple[float, float, int]:
        figures = results[plan.seed].metrics
        return sign * figures[f"validation_{training.metric}"], figures["validation_log_loss"], plan.seed

    best = min(finished, key=order)
    candidates = _measure(sorted(finished, key=lambda plan: plan.seed), results, best)
    winner = next(candidate for candidate in candidates if candidate.plan == best)
    return Selection(training.metric, winner, candidates, missing)


def _require_enough(plans: list[SeedPlan], finished: int, missing: dict[int, str]) -> None:
    training = plans[0].training
    needed = training.minimum_seeds or len(plans)
    if finished < needed:
        reasons = "\n".join(f"  seed {seed}: {reason}" for seed, reason in missing.items())
        raise TrainingError(
            f"'{plans[0].study}' has {finished} finished seeds of {len(plans)}, but needs {needed}. Missing are:\n"
            f"{reasons}\nRun the training flow again: finished seeds are kept. To select among fewer, set "
            "training.minimum_seeds in the round file; the missing ones will be named in the selection."
        )


def _measure(plans: list[SeedPlan], results: dict[int, SeedResult], best: SeedPlan) -> list[Candidate]:
    """Bootstrap every candidate on the same resamples."""
    validation = {plan.seed: values for plan, values in zip(plans, _resample(plans, "validation"), strict=True)}
    (test,) = _resample([best], "test")
    return [
        Candidate(
            plan=plan,
            result=results[plan.seed],
            value=results[plan.seed].metrics[f"validation_{plan.training.metric}"],
            validation=interval(validation[plan.seed]),
            test=interval(test) if plan == best else None,
            winners_lead=lead(plan.training.metric, validation[best.seed], validation[plan.seed]),
        )
        for plan in plans
    ]


def _resample(plans: list[SeedPlan], split: str) -> list[NDArray[np.float64]]:
    """Return the metric of each plan's predictions on the same resamples of a split."""
    training, splits = plans[0].training, plans[0].splits
    predictions = [read_predictions(plan, split, splits.labels) for plan in plans]
    resamples = draw_resamples(predictions[0].targets, training.bootstrap_resamples)
    return [
        resampled_values(training.metric, splits.head, rows.targets, rows.scores, resamples) for rows in predictions
    ]


def _candidate_record(candidate: Candidate) -> dict[str, Any]:
    return {
        "seed": candidate.result.seed,
        "config_hash": candidate.result.config_hash,
        "value": candidate.value,
        "interval": asdict(candidate.validation),
        "test_interval": asdict(candidate.test) if candidate.test is not None else None,
        "winners_lead": asdict(candidate.winners_lead),
        "tied": candidate.tied,
        "thresholds": candidate.result.thresholds,
        "metrics": candidate.result.metrics,
    }

"""Which seed wins, and why."""

from dataclasses import asdict, dataclass
from typing import Any

from tasks.core.corpus.labelled import LabelledSplits
from tasks.core.errors import TrainingError
from tasks.core.training.seed_plan import SeedResult

TIE_RULE = "highest validation figure; among equal ones the lowest seed"


@dataclass(frozen=True)
class Selection:
    """The record of a label's choice, kept as `selection.json`."""

    label: str
    splits: LabelledSplits
    metric: str
    winner: SeedResult
    results: list[SeedResult]
    baseline: dict[str, float]
    """`test_*` figures of TF-IDF and logistic regression on the same rows."""

    def record(self) -> dict[str, Any]:
        """Return the selection as JSON."""
        return {
            "label": self.label,
            "data": asdict(self.splits),
            "metric": f"validation_{self.metric}",
            "tie_rule": TIE_RULE,
            "winner": {"seed": self.winner.seed, "config_hash": self.winner.config_hash},
            "seeds": [asdict(result) for result in self.results],
            "baseline_tfidf": self.baseline,
        }

    def table(self) -> list[dict[str, Any]]:
        """Return one row a seed for a person to read, the winner marked."""
        return [
            {
                "label": self.label,
                "seed": result.seed,
                "validation AP": round(result.metrics["validation_average_precision"], 4),
                "test AP": round(result.metrics["test_average_precision"], 4),
                "test F1": round(result.metrics["test_f1"], 4),
                "test precision": round(result.metrics["test_precision"], 4),
                "test recall": round(result.metrics["test_recall"], 4),
                "winner": "yes" if result.seed == self.winner.seed else "",
            }
            for result in self.results
        ]


def select_seed(
    splits: LabelledSplits, seeds: tuple[int, ...], results: list[SeedResult], metric: str, baseline: dict[str, float]
) -> Selection:
    """Choose the seed with the best validation `metric`.

    Raises:
        TrainingError: a seed of the round has no result, or stands twice.
    """
    found = sorted(result.seed for result in results)
    if found != sorted(seeds):
        missing = sorted(set(seeds) - set(found))
        raise TrainingError(
            f"label '{splits.label}' has results for seeds {found}, but the round asks for {sorted(seeds)} "
            f"(missing: {missing}). Run the training flow again: finished seeds are kept."
        )
    ordered = sorted(results, key=lambda result: result.seed)
    winner = max(ordered, key=lambda result: result.metrics[f"validation_{metric}"])
    return Selection(splits.label, splits, metric, winner, ordered, baseline)

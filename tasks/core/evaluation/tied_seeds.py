"""Seeds that validation could not tell apart, judged by labels of the pool.

Every labelled text of the rank sample stands for as many texts of its stratum as were not labelled, so that average
precision is that of the pool: among all its texts, with rare positives. The ranking that was sampled is the winner's;
where another seed ranks texts high that it ranks low, few labels stand for them, and the interval says so.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from tasks.core.metrics.bootstrap import interval

Floats = NDArray[np.float64]
RESAMPLES = 1_000
SEED = 20090401


@dataclass(frozen=True)
class StratumLabels:
    """Labelled texts with their strata and weights."""

    answers: NDArray[np.bool_]
    strata: NDArray[np.int64]
    weights: Floats
    """Each text stands for so many of its stratum."""


@dataclass(frozen=True)
class SeedOnPool:
    """A seed beside the winner, on the pool."""

    seed: int
    average_precision: float
    lead: float
    """The seed is ahead of the winner by so much."""
    lead_low: float
    lead_high: float


def compare_on_pool(labels: StratumLabels, scores: Mapping[int, Floats], winner: int) -> dict[str, Any]:
    """Compare seeds by their scores of the labelled texts, all on the same resamples of every stratum."""
    if not labels.answers.any() or labels.answers.all():
        return {
            "verdict": "unclear",
            "sentence": "the labels of the pool are all alike: no seed can be told",
            "seeds": [],
        }
    draws = _resamples(labels)
    values = {seed: _resampled(labels, own, draws) for seed, own in scores.items()}
    found = [_beside(labels, seed, scores, values, winner) for seed in scores]
    better = [one for one in found if one.seed != winner and one.lead_low > 0]
    best = max(found, key=lambda one: one.average_precision)
    verdict = "disagrees" if better else "agrees" if best.seed == winner else "unclear"
    return {"verdict": verdict, "sentence": _sentence(better, best, winner), "seeds": [asdict(one) for one in found]}


def _sentence(better: list[SeedOnPool], best: SeedOnPool, winner: int) -> str:
    if better:
        one = max(better, key=lambda other: other.lead)
        return (
            f"the pool disagrees with validation: seed {one.seed} is ahead of the selected seed {winner} by "
            f"{one.lead:.3f} ({one.lead_low:.3f} to {one.lead_high:.3f}) in average precision on the pool"
        )
    if best.seed == winner:
        return f"the pool agrees with validation: the selected seed {winner} is best on it, too"
    return f"seed {best.seed} is best on the pool, ahead of the selected seed {winner} by less than labels can tell"


def _beside(
    labels: StratumLabels, seed: int, scores: Mapping[int, Floats], values: Mapping[int, Floats], winner: int
) -> SeedOnPool:
    own, theirs = _precision(labels, scores[seed]), _precision(labels, scores[winner])
    lead = values[seed] - values[winner]
    band = interval(lead[~np.isnan(lead)])
    return SeedOnPool(seed, own, own - theirs, band.low, band.high)


def _precision(labels: StratumLabels, scores: Floats) -> float:
    return float(average_precision_score(labels.answers, scores, sample_weight=labels.weights))


def _resamples(labels: StratumLabels) -> list[NDArray[np.int64]]:
    draw = np.random.default_rng(SEED)
    members = [np.flatnonzero(labels.strata == stratum) for stratum in np.unique(labels.strata)]
    return [np.concatenate([draw.choice(own, len(own)) for own in members]) for _ in range(RESAMPLES)]


def _resampled(labels: StratumLabels, scores: Floats, draws: list[NDArray[np.int64]]) -> Floats:
    """Return the average precision on every resample; NaN on one without a true text."""
    found = []
    for rows in draws:
        truth = labels.answers[rows]
        found.append(
            average_precision_score(truth, scores[rows], sample_weight=labels.weights[rows]) if truth.any() else np.nan
        )
    return np.array(found)

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
    values = {seed: weighted_precisions(labels, own, draws) for seed, own in scores.items()}
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
    once = np.ones((1, len(labels.answers)))
    own, theirs = (float(weighted_precisions(labels, scores[one], once)[0]) for one in (seed, winner))
    lead = values[seed] - values[winner]
    band = interval(lead[~np.isnan(lead)])
    return SeedOnPool(seed, own, own - theirs, band.low, band.high)


def _resamples(labels: StratumLabels) -> Floats:
    """Return how often each text is in each resample, a resample a line; every stratum keeps its size."""
    draw = np.random.default_rng(SEED)
    times = np.zeros((RESAMPLES, len(labels.answers)))
    for stratum in np.unique(labels.strata):
        own = np.flatnonzero(labels.strata == stratum)
        times[:, own] = draw.multinomial(len(own), np.full(len(own), 1 / len(own)), size=RESAMPLES)
    return times


def weighted_precisions(labels: StratumLabels, scores: Floats, times: Floats) -> Floats:
    """Return the average precision of each line's resample, texts weighted; NaN for one without a true text."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    weights = times[:, order] * labels.weights[order]
    all_ = np.cumsum(weights, axis=1)[:, ends]
    true = np.cumsum(weights * labels.answers[order], axis=1)[:, ends]
    steps = np.diff(true, axis=1, prepend=0)
    precision = np.divide(true, all_, out=np.zeros_like(true), where=all_ > 0)
    total, nothing = true[:, -1], np.full(len(times), np.nan)
    return np.asarray(np.divide((steps * precision).sum(axis=1), total, out=nothing, where=total > 0))

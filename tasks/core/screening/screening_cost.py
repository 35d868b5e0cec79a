"""What a run costs with screening, a stage at a time, and what the same run would have cost without.

The same sums serve before the run, from measured seconds a text and the choosing draw's shares, and after it, from
what each stage did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.screening.certificate import LabelCertificate


@dataclass(frozen=True)
class StageCost:
    """One stage of a run."""

    name: str
    texts_in: int
    texts_out: int
    """So many texts go on to the next stage; of the last one, so many got an expert's score."""
    core_seconds: float


@dataclass(frozen=True)
class ScreeningCost:
    """All stages of a run, and the run without them."""

    stages: tuple[StageCost, ...]
    core_seconds_without: float
    """The experts alone would take so long for every text and label."""

    @property
    def core_seconds(self) -> float:
        """Return what all stages take."""
        return sum(stage.core_seconds for stage in self.stages)

    @property
    def times_cheaper(self) -> float:
        """Return how many times as much the run would cost without screening."""
        return self.core_seconds_without / self.core_seconds if self.core_seconds else 1.0

    @property
    def sentence(self) -> str:
        """Return what screening saves, in one sentence."""
        return (
            f"{self.core_seconds / 3600:.3g} core-hours instead of {self.core_seconds_without / 3600:.3g}: "
            f"{self.times_cheaper:.3g} times cheaper."
        )


@dataclass(frozen=True)
class Rates:
    """Core-seconds that a text takes, measured."""

    screen: float
    """The first stage takes so long for all labels."""
    experts: Mapping[str, float]
    """Each label's expert takes so long."""
    student: float | None = None
    """The student takes so long for all labels; None where there is none."""


def estimate_cost(
    pool: int, drawn: int, certificates: Mapping[str, LabelCertificate], union: float, rates: Rates
) -> ScreeningCost:
    """Return what a run will cost, by the shares that the certificates found.

    Args:
        pool: The texts of the pool.
        drawn: So many of them are scored by every expert for draws and audit.
        certificates: Each label's.
        union: The share of the pool that passes the first stage for any label: see `passing_union`.
        rates: What each stage takes.
    """
    others = pool - drawn
    passed = {label: round(_expert_share(said) * others) + drawn for label, said in certificates.items()}
    reaching = drawn + round(union * others)
    stages = [StageCost("screen", pool, reaching, pool * rates.screen)]
    if rates.student is not None:
        stages.append(StageCost("student", reaching, max(passed.values()), reaching * rates.student))
    stages += [StageCost(f"expert {label}", n, n, n * rates.experts[label]) for label, n in passed.items()]
    return ScreeningCost(tuple(stages), pool * sum(rates.experts[label] for label in certificates))


def measured_cost(pool: int, stages: Sequence[StageCost], rates: Rates) -> ScreeningCost:
    """Return what a run has cost, with what its experts would have taken for every text."""
    return ScreeningCost(tuple(stages), pool * sum(rates.experts.values()))


def passing_union(passing: NDArray[np.bool_]) -> float:
    """Return the share of texts that reach the student for any label; `passing` is of shape (texts, labels)."""
    return float(passing.any(axis=1).mean()) if len(passing) else 0.0


def _expert_share(certificate: LabelCertificate) -> float:
    return 1.0 if certificate.off else certificate.reaching[-1]

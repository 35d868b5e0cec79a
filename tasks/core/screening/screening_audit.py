"""The audit of a screening: the expert scores a uniform draw of what was screened out, and says what was missed.

A promise is about one pool and one time; if the second half of the pool drifts, the calibration draw saw that too, as
long as it was drawn from all of it. The audit needs none of what the promise stands on: it counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tasks.core.base.errors import InputDataError
from tasks.core.metrics.share_bounds import share_bound, share_interval
from tasks.core.screening.promise import Promise

Verdict = Literal["kept", "not kept", "cannot tell"]


@dataclass(frozen=True)
class Audit:
    """What the audit of one label found."""

    screened_out: int
    """The pool has so many texts that the screen kept from the expert."""
    audited: int
    """The expert scored so many of them after all."""
    misses: int
    """So many of those are of the expert's top."""
    top_kept: int
    """The expert met so many top texts among all others that it scored."""
    missed_share: float
    """The share of the pool's top that was missed, estimated."""
    low: float
    high: float
    """The missed share lies between `low` and this at the promise's confidence, two-sided and exact in the misses."""
    verdict: Verdict

    @property
    def sentence(self) -> str:
        """Return what was found, in one sentence."""
        return (
            f"Of {self.audited} audited texts of {self.screened_out} screened out, {self.misses} are of the expert's "
            f"top: {self.missed_share:.2%} of the top was missed ({self.low:.2%} to {self.high:.2%}); "
            f"promise {self.verdict}."
        )


def audit_label(audited: int, misses: int, screened_out: int, top_kept: int, promise: Promise) -> Audit:
    """Judge a label's promise by a uniform draw of the texts that were screened out.

    Kept and not kept are said where the bound leaves no other answer at the promise's confidence, one-sided.

    Args:
        audited: The expert scored so many texts of the draw.
        misses: So many of those are of its top.
        screened_out: The texts of the pool that the expert has not scored for another reason, audited ones included.
        top_kept: The top texts among all others.
        promise: What was promised.

    Raises:
        InputDataError: the counts cannot be an audit's.
    """
    if not 0 <= misses <= audited <= screened_out:
        raise InputDataError(
            f"{audited} texts were audited of {screened_out} screened out, and {misses} of them are of the top: these "
            "are no counts of an audit. Run `winnow verify`, and the inference flow again."
        )
    low, high = share_interval(misses, audited, promise.confidence) if audited else (0.0, 1.0)

    def missed(rate: float) -> float:
        lost = max(rate * screened_out, misses)
        return lost / max(lost + top_kept, 1)

    return Audit(
        screened_out=screened_out,
        audited=audited,
        misses=misses,
        top_kept=top_kept,
        missed_share=missed(misses / max(audited, 1)),
        low=missed(low),
        high=missed(high),
        verdict=_verdict(misses, audited, promise, missed),
    )


def _verdict(misses: int, audited: int, promise: Promise, missed: Callable[[float], float]) -> Verdict:
    at_most = share_bound(misses, audited, promise.confidence) if audited else 1.0
    at_least = 1 - share_bound(audited - misses, audited, promise.confidence) if audited else 0.0
    if missed(at_most) <= 1 - promise.recall:
        return "kept"
    return "not kept" if missed(at_least) > 1 - promise.recall else "cannot tell"

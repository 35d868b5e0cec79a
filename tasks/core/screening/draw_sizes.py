"""How large the draws are: as the pool and the promise ask, and so that the whole job is cheapest.

A larger calibration draw of n texts costs n expert calls, and lets a tighter threshold pass fewer texts. The sum is
least at n = (z / 2 * sqrt(e (1 - e) / top_share) * slope * pool) ^ (2/3), e = 1 - recall, z the normal quantile of the
confidence. Below, the bound itself needs its least number of top texts. Draws grow on that number alone, never on what
the screen made of it: a draw that is enlarged until the outcome pleases keeps no promise.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import ndtri

from tasks.core.screening.draws import AUDIT, CALIBRATE, CHOOSE, FIT, Draws
from tasks.core.screening.promise import Promise
from tasks.core.screening.recall_bound import least_top_texts

SLOPE = 5.0
"""A point of recall more costs so many points of the pool: what hashed n-grams cost on real titles and tweets."""
SPREAD = 3
"""The draw is planned so that it lacks top texts by chance in one of 700 pools."""
CHOOSE_SHARE, AUDIT_SHARE = 0.25, 0.5
"""Sizes beside that of the calibration draw: one ratio is chosen on the first, a share bounded on the second."""
MOST_OF_POOL = 0.5
"""Where the draws together would take more of the pool, screening saves too little to be worth its risk."""
GROWTH = 1.2
"""A draw that lacks top texts becomes so much larger than what it found asks for."""


@dataclass(frozen=True)
class DrawSizes:
    """How many texts each draw has; where `off` says why, the label is not screened."""

    fit: int
    choose: int
    audit: int
    calibrate: int
    off: str | None = None

    @property
    def texts(self) -> int:
        """Return how many texts the expert scores for the draws."""
        return self.fit + self.choose + self.audit + self.calibrate

    def draws(self, key: str, pool: int) -> Draws:
        """Return the draws from a pool of so many texts that have about these sizes."""
        sizes = {FIT: self.fit, CHOOSE: self.choose, AUDIT: self.audit, CALIBRATE: self.calibrate}
        return Draws(key, **{name: size / pool for name, size in sizes.items()})


def plan_sizes(pool: int, promise: Promise, given: Mapping[str, int] | None = None, slope: float = SLOPE) -> DrawSizes:
    """Return the sizes of the draws from a pool of so many texts; those that are `given`, by name, stand."""
    given = given or {}
    calibrate = given.get(CALIBRATE, max(least_draw(promise), cheapest_draw(pool, promise, slope)))
    sizes = DrawSizes(
        fit=given.get(FIT, calibrate),
        choose=given.get(CHOOSE, math.ceil(CHOOSE_SHARE * calibrate)),
        audit=given.get(AUDIT, math.ceil(AUDIT_SHARE * calibrate)),
        calibrate=calibrate,
    )
    return _off_where_too_large(sizes, pool, promise)


def least_draw(promise: Promise) -> int:
    """Return in how many texts the bound almost surely finds the top texts that it needs."""
    return math.ceil(_planned_top(promise) / promise.top_share)


def cheapest_draw(pool: int, promise: Promise, slope: float = SLOPE) -> int:
    """Return the calibration draw by which the whole job costs least."""
    missed = 1 - promise.recall
    deviation = math.sqrt(missed * promise.recall / promise.top_share)
    half_width = float(ndtri(promise.confidence)) / 2 * deviation * slope
    return math.ceil(math.pow(half_width * pool, 2 / 3))


def grow(sizes: DrawSizes, pool: int, promise: Promise, top_texts: int) -> DrawSizes:
    """Return the sizes after the calibration draw held so many top texts: the same where they suffice.

    Nothing but that number decides. A draw at least doubles, so that this ends.
    """
    needed = least_top_texts(promise)
    if top_texts >= needed or sizes.off:
        return sizes
    wanted = _planned_top(promise) / max(top_texts, 1) * GROWTH
    calibrate = math.ceil(sizes.calibrate * max(2.0, wanted))
    grown = DrawSizes(sizes.fit, sizes.choose, sizes.audit, calibrate)
    return _off_where_too_large(grown, pool, promise, f"its first {sizes.calibrate} held {top_texts}; ")


def _planned_top(promise: Promise) -> float:
    """Return how many top texts to plan for; their number varies with both draws, of which one says what top is."""
    needed = least_top_texts(promise)
    return needed + SPREAD * math.sqrt(2 * needed)


def _off_where_too_large(sizes: DrawSizes, pool: int, promise: Promise, found: str = "") -> DrawSizes:
    if sizes.texts <= MOST_OF_POOL * pool:
        return sizes
    why = (
        f"screening is off: to promise {promise.recall:g} of the top {promise.top_share:g} at confidence "
        f"{promise.confidence:g}, the calibration draw must hold {least_top_texts(promise)} top texts; {found}"
        f"the draws would take {sizes.texts} of the pool's {pool} texts, and may take {MOST_OF_POOL:.0%}. Every text "
        "is scored by the expert. A larger pool, a larger top_share or a lower recall needs less."
    )
    return DrawSizes(0, 0, 0, 0, why)

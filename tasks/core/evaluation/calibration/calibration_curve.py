"""The mean curve of a calibration's bootstraps, kept as a line through so many points that none is missed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.evaluation.calibration.platt import Curves, Floats, draw_bootstraps, fit_curves
from tasks.core.round.evaluation_section import CalibrationSettings

LIMIT = 37.0
"""The log-odds of a float64 score lie between this and its opposite."""
RELATIVE, ABSOLUTE = 1e-3, 1e-7
"""A line between two points may be off by this share of the probability, or of its complement, and this much more."""
ROUNDS = 20
FALLING = 0.025
"""At most this share of the bootstraps may have a curve that falls."""


@dataclass(frozen=True)
class Curve:
    """A mean calibrated probability along the log-odds of scores."""

    log_odds: Floats
    probabilities: Floats
    crossing: float
    """The mean crosses 0.5 at these log-odds; NaN says that it does not."""
    crossings: Floats
    """Each bootstrap whose curve rises through 0.5 does so at these log-odds."""
    rises: bool


def bootstrapped_curve(log_odds: Floats, truth: NDArray[np.bool_], how: CalibrationSettings) -> Curve:
    """Fit the bootstraps of labelled texts and return their mean."""
    return _isotonic(log_odds, truth, how) if how.method == "isotonic" else _platt(log_odds, truth, how)


def _platt(log_odds: Floats, truth: NDArray[np.bool_], how: CalibrationSettings) -> Curve:
    draws = draw_bootstraps(truth, how.bootstraps, how.balanced, np.random.default_rng(how.draw_seed))
    fitted = [fit_curves(log_odds[positives], log_odds[negatives]) for positives, negatives in draws]
    curves = Curves(np.concatenate([one.slopes for one in fitted]), np.concatenate([one.intercepts for one in fitted]))
    points = _points(curves)
    means = np.maximum.accumulate(curves.mean(points))
    rises = float((curves.slopes <= 0).mean()) <= FALLING
    return Curve(points, means, _root(curves), curves.crossings(), rises)


def _root(curves: Curves) -> float:
    from scipy.optimize import brentq  # noqa: PLC0415 - half a second, where a calibration is fitted

    def above(one: float) -> float:
        return float(curves.mean(np.array([one]))[0] - 0.5)

    return float("nan") if above(-LIMIT) * above(LIMIT) > 0 else float(brentq(above, -LIMIT, LIMIT, xtol=1e-12))


def _points(curves: Curves) -> Floats:
    """Return log-odds so dense that lines between their means are as near to the mean as they must be."""
    points = np.linspace(-LIMIT, LIMIT, 75)
    means = curves.mean(points)
    fresh = np.arange(len(points) - 1)
    for _ in range(ROUNDS):
        middles = (points[fresh] + points[fresh + 1]) / 2
        true = curves.mean(middles)
        off = abs((means[fresh] + means[fresh + 1]) / 2 - true)
        bent = off > RELATIVE * np.minimum(true, 1 - true) + ABSOLUTE
        if not bent.any():
            break
        places = fresh[bent] + 1
        points, means = np.insert(points, places, middles[bent]), np.insert(means, places, true[bent])
        moved = places + np.arange(len(places))
        fresh = np.sort(np.concatenate([moved - 1, moved]))
    return points


def _isotonic(log_odds: Floats, truth: NDArray[np.bool_], how: CalibrationSettings) -> Curve:
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - half a second, where a calibration is fitted

    points = np.unique(log_odds)
    total, crossings = np.zeros(len(points)), []
    draws = draw_bootstraps(truth, how.bootstraps, how.balanced, np.random.default_rng(how.draw_seed))
    for positives, negatives in draws:
        for own in np.concatenate([positives, negatives], axis=1):
            fitted = IsotonicRegression(out_of_bounds="clip").fit(log_odds[own], truth[own]).predict(points)
            total += fitted
            crossings.append(_first_crossing(points, fitted))
    means = total / how.bootstraps
    found = np.array(crossings)
    rises = bool(means[-1] > means[0])
    return Curve(points, means, _first_crossing(points, means), found[~np.isnan(found)], rises)


def _first_crossing(points: Floats, probabilities: Floats) -> float:
    """Return where a rising line through points reaches 0.5; NaN where it lies above or below it all along."""
    place = int(np.searchsorted(probabilities, 0.5))
    if place in {0, len(points)}:
        return float("nan")
    low, high = probabilities[place - 1], probabilities[place]
    return float(points[place - 1] + (0.5 - low) / (high - low) * (points[place] - points[place - 1]))

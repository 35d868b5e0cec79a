"""What a model's scores mean: a probability for every score, and the score from which on a text is more likely true.

calibration.json   of a model version: method, labels it follows from, the curve, the threshold and its interval

Labels whose texts were chosen by their score or rank alone serve: who is chosen by score tells nothing new of what a
score means. Those that were chosen by their words do not.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from tasks.core.base.errors import EvaluationError
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.evaluation.calibration.calibration_curve import Curve, bootstrapped_curve
from tasks.core.evaluation.calibration.platt import Floats
from tasks.core.round.evaluation_section import CalibrationSettings

NEAREST = 2.0**-53
"""Scores are taken to lie at least so far from 0 and from 1: float64 tells none apart that are nearer to 1."""
LEVEL = 0.95


class TooFewLabelsError(EvaluationError):
    """True or false labelled texts are too few."""

    def __init__(self, message: str, lacking: int) -> None:
        super().__init__(message)
        self.lacking = lacking


@dataclass(frozen=True)
class CalibratedModel:
    """Whose scores are calibrated."""

    label: str
    registered_model: str
    version: str
    run_id: str
    """The scores are those of this run."""


@dataclass(frozen=True)
class Calibration:
    """What `calibration.json` says."""

    model: dict[str, str]
    """The label, registered model, version and run whose scores are calibrated are named here."""
    method: str
    settings: dict[str, Any]
    positives: int
    negatives: int
    log_odds: list[float]
    probabilities: list[float]
    """The mean probability of all bootstraps at each of `log_odds`; between two of them it is a straight line."""
    threshold: float
    """From this score on a text's mean calibrated probability is at least 0.5."""
    threshold_low: float
    threshold_high: float
    """The thresholds of 95 % of the bootstraps lie between the two."""

    def probability(self, scores: ArrayLike) -> Floats:
        """Return the calibrated probability of each score.

        Raises:
            EvaluationError: a score is none that an expert gives.
        """
        return np.asarray(np.interp(log_odds_of(scores), self.log_odds, self.probabilities))


FORMAT = FileFormat(
    kind="calibration",
    number=1,
    schema=Calibration,
    remedy="Run the evaluation flow of its round again; the labels are kept",
)


def calibrate(model: CalibratedModel, scores: ArrayLike, answers: ArrayLike, how: CalibrationSettings) -> Calibration:
    """Calibrate by labelled texts: their scores, and 1, 0 or NaN (not decided) for each.

    Raises:
        EvaluationError: positives or negatives are too few, scores are none, or do not rise with the labels.
    """
    known, truth = _decided(scores, answers)
    _require_enough(model.label, truth, how)
    curve = bootstrapped_curve(log_odds_of(known), truth, how)
    _require_crossing(model, curve, known, truth)
    low, high = np.quantile(curve.crossings, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Calibration(
        model=asdict(model),
        method=how.method,
        settings=how.model_dump(mode="json"),
        positives=int(truth.sum()),
        negatives=int((~truth).sum()),
        log_odds=curve.log_odds.tolist(),
        probabilities=curve.probabilities.tolist(),
        threshold=float(expit(curve.crossing)),
        threshold_low=float(expit(min(low, curve.crossing))),
        threshold_high=float(expit(max(high, curve.crossing))),
    )


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write `calibration.json` aside and put it in place."""
    write_record(path, FORMAT, asdict(calibration))


def read_calibration(path: Path) -> Calibration:
    """Read `calibration.json`.

    Raises:
        FormatError: another version of Winnow wrote it.
        TornRecordError: it is torn, altered, or no such file.
    """
    return Calibration(**read_record(path, FORMAT))


def calibration_from(content: Any, where: str) -> Calibration:
    """Return a calibration that the tracking server holds.

    Raises:
        FormatError: another version of Winnow wrote it.
        TornRecordError: it was altered, or is none.
    """
    return Calibration(**FORMAT.read_signed(content, Path(where)))


def log_odds_of(scores: ArrayLike) -> Floats:
    """Return the log-odds of scores.

    Raises:
        EvaluationError: a score is no number from 0 to 1.
    """
    array = np.asarray(scores, dtype=np.float64)
    bad = ~((array >= 0) & (array <= 1))
    if bad.any():
        raise EvaluationError(
            f"{int(bad.sum())} of {array.size} scores are no probabilities; the first is {array[bad][0]!r}. A score is "
            "a number from 0 to 1. One below 0 was screened out and no expert scored it, and one that is no number "
            "says that a score file was damaged: `winnow verify` names it."
        )
    return np.asarray(logit(np.clip(array, NEAREST, 1 - NEAREST)))


def _decided(scores: ArrayLike, answers: ArrayLike) -> tuple[Floats, Any]:
    known, truth = np.asarray(scores, dtype=np.float64), np.asarray(answers, dtype=np.float64)
    decided = ~np.isnan(truth)
    odd = sorted(set(truth[decided].tolist()) - {0.0, 1.0})
    if odd:
        raise EvaluationError(f"answers are 1, 0 or not decided, but {odd[:5]} stand among them")
    return known[decided], truth[decided] == 1


def _require_enough(label: str, truth: Any, how: CalibrationSettings) -> None:
    for name, found in (("true", int(truth.sum())), ("false", int((~truth).sum()))):
        if found < how.minimum_of_each:
            raise TooFewLabelsError(
                f"'{label}' cannot be calibrated: {found} of its {truth.size} labelled texts are {name}, and "
                f"evaluation.calibration.minimum_of_each asks for {how.minimum_of_each}. Label at least "
                f"{how.minimum_of_each - found} more that are likely {name}: texts of the "
                f"{'highest' if name == 'true' else 'lower'} ranks.",
                how.minimum_of_each - found,
            )


def _require_crossing(model: CalibratedModel, curve: Curve, scores: Floats, truth: Any) -> None:
    if not curve.rises:
        raise EvaluationError(
            f"'{model.label}' cannot be calibrated: the scores of {model.registered_model} version {model.version} do "
            f"not rise with the labels. The median score is {np.median(scores[truth]):.4g} of the {int(truth.sum())} "
            f"true texts and {np.median(scores[~truth]):.4g} of the {int((~truth).sum())} false ones. Look at the "
            "labels and at the best texts: one of the two is wrong."
        )
    if np.isnan(curve.crossing):
        raise EvaluationError(
            f"'{model.label}' has no threshold: its mean calibrated probability does not cross 0.5 at any score, but "
            f"goes from {curve.probabilities[0]:.3f} to {curve.probabilities[-1]:.3f}. Label more texts around the "
            "ranks where true and false ones mix."
        )

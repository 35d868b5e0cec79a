"""The first stage: a linear model of the expert's log-odds on hashed n-grams, for all labels of a run at once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.screening.ngram_shape import NgramShape

LARGEST = np.iinfo(np.int16).max
FLOOR = 0.9
"""Texts below this quantile of the expert's log-odds count as if they were at it: how far below is nothing to learn."""


@dataclass(frozen=True)
class LinearScreen:
    """Weights of a few thousand steps a label, so that scores are sums of integers and the same on every CPU."""

    labels: tuple[str, ...]
    shape: NgramShape
    weights: NDArray[np.int16]
    """They are of shape (buckets, labels), in units of `units`."""
    units: NDArray[np.float64]
    """A weight of 1 stands for so much, by label."""
    base: NDArray[np.float64]
    """A text without features scores this, by label."""

    def score(self, texts: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
        """Return what the screen takes for the expert's log-odds, of shape (texts, labels)."""
        from tasks.core.screening.ngram_features import (  # noqa: PLC0415 - a quarter of a second, for compiled loops
            add_weights,
            text_bytes,
        )

        return np.asarray(add_weights(text_bytes(texts), self.shape, self.weights) * self.units + self.base)


def blank_screen(labels: tuple[str, ...], shape: NgramShape | None = None) -> LinearScreen:
    """Return a screen that gives every text 0 and takes as long for it as one that was fitted."""
    shape = shape or NgramShape()
    weights = np.zeros((1 << shape.bits, len(labels)), dtype=np.int16)
    return LinearScreen(labels, shape, weights, np.ones(len(labels)), np.zeros(len(labels)))


def fit_screen(
    texts: pa.Array | pa.ChunkedArray,
    log_odds: NDArray[np.float64],
    labels: tuple[str, ...],
    shape: NgramShape | None = None,
    floor: float = FLOOR,
) -> LinearScreen:
    """Fit a screen to the experts' `log_odds` of texts, of shape (texts, labels), from the quantile `floor` on.

    Raises:
        InputDataError: there is not one finite number a text and label.
    """
    from tasks.core.screening.ngram_features import find_buckets, text_bytes  # noqa: PLC0415 - as in `score`
    from tasks.core.screening.ridge_fit import Rows, fit_ridge  # noqa: PLC0415

    _check(len(texts), log_odds, labels)
    shape = shape or NgramShape()
    starts, buckets = find_buckets(text_bytes(texts), shape)
    targets = np.maximum(log_odds, np.quantile(log_odds, floor, axis=0, method="lower"))
    weights, base = fit_ridge(Rows(starts, buckets, 1 << shape.bits), targets)
    units = np.maximum(np.abs(weights).max(axis=0).astype(np.float64), np.finfo(np.float32).tiny) / LARGEST
    return LinearScreen(labels, shape, np.rint(weights / units).astype(np.int16), units, base)


def _check(texts: int, log_odds: NDArray[np.float64], labels: tuple[str, ...]) -> None:
    if log_odds.shape != (texts, len(labels)) or not texts:
        raise InputDataError(
            f"a screen is fitted to one log-odds a text and label: {texts} texts and {len(labels)} labels were given, "
            f"with log-odds of shape {log_odds.shape}. Score the fitting draw again."
        )
    if not np.isfinite(log_odds).all():
        row, column = map(int, np.argwhere(~np.isfinite(log_odds))[0])
        raise InputDataError(
            f"the expert's log-odds of '{labels[column]}' for text {row} of the fitting draw is "
            f"{log_odds[row, column]}, no finite number. Score that draw again; a probability of 0 or "
            "1 has no log-odds."
        )

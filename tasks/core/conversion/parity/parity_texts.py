"""The texts that variants are compared on: the top of the ranking, every length, and a fair share of the rest."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.core.conversion.parity.parity_figures import TOP

TOP_SHARE = 0.4
"""This share of the parity texts is taken from the top of the model's ranking of all scored texts."""
EXTREMES = 40
"""So many of the shortest and of the longest texts are always among the parity texts."""
SHORT_TEXTS = 10
LONG_TEXTS = 10
JOINED = 60
"""A made long text has the words of so many drawn ones at most; tweets alone rarely reach a model's maximum length."""


def with_extremes(texts: list[str]) -> list[str]:
    """Return the drawn texts, and after them made ones of their words: of one word, and too long for the model."""
    words = [text.split()[0] for text in texts[:SHORT_TEXTS]]
    starts = range(0, len(texts), max(1, len(texts) // LONG_TEXTS))
    joined = [" ".join(texts[first:last]) for first, last in pairwise([*starts, len(texts)])]
    return [*texts, *words, *(" ".join(text.split()[: JOINED * 8]) for text in joined[:LONG_TEXTS])]


def choose_parity_texts(
    margins: NDArray[np.float64], lengths: NDArray[np.int64], count: int, seed: int
) -> NDArray[np.int64]:
    """Choose at least `count` of the scored texts, by number, in ascending order.

    The best of each label are among them, as many as overlaps look at, unless that is more than half of `count`; and
    half of `count` at least is drawn from the rest. With many labels that comes to more than `count`.

    Args:
        margins: Log-odds of shape (texts, labels).
        lengths: Tokens of each text.
        count: How many at least; all, when there are no more.
        seed: Fixes the random rest.
    """
    by_length = np.argsort(lengths, kind="stable")
    chosen = set(by_length[:EXTREMES].tolist()) | set(by_length[-EXTREMES:].tolist())
    looked_at = min(max(TOP, len(lengths) // 100), count // 2)
    best = max(looked_at, int(count * TOP_SHARE) // margins.shape[1])
    for column in margins.T:
        chosen |= set(np.argsort(-column, kind="stable")[:best].tolist())
    rest = [number for number in np.random.default_rng(seed).permutation(len(lengths)).tolist() if number not in chosen]
    return np.array(sorted([*chosen, *rest[: max(count // 2, count - len(chosen))]]), dtype=np.int64)


def choose_canaries(margins: NDArray[np.float64], lengths: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Choose `count` texts that stand evenly over the ranking by `margins` (texts) and over the lengths."""
    halves = [np.argsort(-margins, kind="stable"), np.argsort(lengths, kind="stable")]
    spread = [order[np.linspace(0, len(order) - 1, count).astype(np.int64)] for order in halves]
    alternating = np.stack(spread, axis=1).ravel()
    distinct = list(dict.fromkeys(alternating[::2].tolist()[: count // 2] + alternating.tolist()))
    return np.array(distinct[:count], dtype=np.int64)

"""How far annotators agree on a label: Cohen's and Fleiss' kappa, and Krippendorff's alpha.

Yes and no count; unsure and blank are no ratings. A figure is None where it does not exist: with fewer than two
annotators or texts, or where all say the same.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tasks.core.exchange.answers import ADJUDICATOR, Answers

LEAST_TEXTS = 2


@dataclass(frozen=True)
class Pair:
    """Two annotators on one label."""

    first: str
    second: str
    texts: int
    """Both said yes or no to so many texts."""
    same: float | None
    """They said the same to this share of them."""
    kappa: float | None
    """This is Cohen's kappa."""


@dataclass(frozen=True)
class Agreement:
    """Agreement on one label."""

    label: str
    ratings: dict[str, int]
    """Each annotator said yes or no to so many texts."""
    pairs: tuple[Pair, ...]
    fleiss: float | None
    fleiss_raters: int
    """Fleiss' kappa is of the texts that just so many annotators rated: the number that most texts have."""
    fleiss_texts: int
    alpha: float | None
    """This is Krippendorff's alpha, nominal, of all texts that two annotators or more rated."""


def agreement_of(label: str, answers: Answers, left_out: Mapping[str, object]) -> Agreement:
    """Return how far those agree who are not left out; the adjudicator, who sees the others' answers, is none."""
    rated = [
        (annotator, key[0], float(said.answer == "yes"))
        for (annotator, key), said in answers.items()
        if key[1] == label and said.answer in ("yes", "no") and annotator not in {*left_out, ADJUDICATOR}
    ]
    annotators = sorted({one for one, _, _ in rated})
    places = {id_: place for place, id_ in enumerate(dict.fromkeys(id_ for _, id_, _ in rated))}
    ratings = np.full((len(annotators), len(places)), np.nan)
    for annotator, id_, value in rated:
        ratings[annotators.index(annotator), places[id_]] = value
    raters, kappa, texts = _fleiss_of_most(ratings)
    return Agreement(
        label=label,
        ratings={one: int((~np.isnan(row)).sum()) for one, row in zip(annotators, ratings, strict=True)},
        pairs=tuple(_pair(*two, ratings, annotators) for two in combinations(annotators, 2)),
        fleiss=kappa,
        fleiss_raters=raters,
        fleiss_texts=texts,
        alpha=alpha(ratings),
    )


def cohen_kappa(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return Cohen's kappa of two annotators' ratings of the same texts."""
    if len(first) < LEAST_TEXTS or len({*first.tolist(), *second.tolist()}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score  # noqa: PLC0415 - half a second, where agreement is asked for

    return float(cohen_kappa_score(first, second))


def fleiss_kappa(counts: NDArray[np.int64]) -> float | None:
    """Return Fleiss' kappa of a table with a row a text and a column a category: how many annotators chose it.

    Every row has the same sum, the number of annotators: see Fleiss (1971), Psychological Bulletin 76(5).
    """
    raters = int(counts[0].sum()) if len(counts) else 0
    if len(counts) < LEAST_TEXTS or raters < 2:
        return None
    shares = counts.sum(axis=0) / counts.sum()
    by_chance = float((shares**2).sum())
    same = float(((counts**2).sum(axis=1) - raters).mean() / (raters * (raters - 1)))
    return None if by_chance == 1 else (same - by_chance) / (1 - by_chance)


def alpha(ratings: NDArray[np.float64]) -> float | None:
    """Return Krippendorff's alpha, nominal, of ratings with a row an annotator and NaN where one did not rate."""
    paired = ratings[:, (~np.isnan(ratings)).sum(axis=0) > 1]
    if paired.shape[1] < LEAST_TEXTS or len(np.unique(paired[~np.isnan(paired)])) < 2:
        return None
    import krippendorff  # noqa: PLC0415 - beside what needs it

    return float(krippendorff.alpha(reliability_data=ratings, level_of_measurement="nominal"))


def _pair(first: str, second: str, ratings: NDArray[np.float64], annotators: list[str]) -> Pair:
    one, other = ratings[annotators.index(first)], ratings[annotators.index(second)]
    both = ~np.isnan(one) & ~np.isnan(other)
    same = float((one[both] == other[both]).mean()) if both.any() else None
    return Pair(first, second, int(both.sum()), same, cohen_kappa(one[both], other[both]))


def _fleiss_of_most(ratings: NDArray[np.float64]) -> tuple[int, float | None, int]:
    """Return the number of raters that most texts have, Fleiss' kappa of these texts, and how many they are."""
    raters = (~np.isnan(ratings)).sum(axis=0)
    several = Counter(raters[raters > 1].tolist())
    if not several:
        return 0, None, 0
    most = max(several, key=lambda number: (several[number], number))
    yes = (ratings[:, raters == most] == 1).sum(axis=0)
    return most, fleiss_kappa(np.stack([yes, most - yes], axis=1)), len(yes)

"""Whether a variant keeps enough of its checkpoint's ranking, and its probabilities, to serve."""

from collections.abc import Mapping

import numpy as np

from tasks.core.conversion.parity.parity_figures import LabelFigures
from tasks.core.round.conversion_section import Limits

ROUNDING = 1e-9
"""A figure that is so near its limit stands on it."""


def judge(figures: LabelFigures, batch_variance: float, limits: Limits) -> list[str]:
    """Return why a variant may not serve a label, each reason with figure, value and limit; none when it passes.

    `batch_variance` is the largest change of a logit among other texts. A figure on its limit passes. One that could
    not be measured fails, except the loss of average precision: a split that is all true or all false shows no loss.
    """
    distinct = figures.distinct_top / figures.distinct_top_checkpoint
    losses = {name: getattr(figures, name) for name in ("validation_ap_loss", "test_ap_loss")}
    reasons = [
        *judge_ranking(vars(figures), figures.overlap, limits),
        *(_at_most(name, loss, limits.ap_loss) for name, loss in losses.items() if loss is not None),
        _at_most("batch_variance", batch_variance, limits.batch_variance),
        _at_least("distinct_share", distinct, limits.distinct_share),
        _at_most("probability_change", figures.probability_change, limits.probability_change),
        _at_most("flip_share", figures.flip_share, limits.flip_share),
    ]
    return [reason for reason in reasons if reason]


def judge_ranking(
    correlations: Mapping[str, float | None], overlap: Mapping[str, float], limits: Limits, where: str = ""
) -> list[str]:
    """Return why a ranking is too far from the checkpoint's: `correlations` by the limits' names, `overlap` by size.

    `where` tells among which texts it was measured. Correlations that are not given are not judged.
    """
    taus = {name: correlations[name] for name in ("kendall_tau", "kendall_tau_top") if name in correlations}
    reasons = [
        *(_at_least(f"{name}{where}", tau, getattr(limits, name)) for name, tau in taus.items()),
        *(
            _at_least(f"overlap at {top}{where}", share, limits.overlap_20 if top == "20" else limits.overlap)
            for top, share in overlap.items()
        ),
    ]
    return [reason for reason in reasons if reason]


def _at_least(name: str, value: float | None, limit: float) -> str | None:
    if value is None or np.isnan(value):
        return f"{name} cannot be measured, at least {limit:g} is needed"
    return None if value >= limit - ROUNDING else f"{name} is {_apart(value, limit)}, at least {limit:g} is needed"


def _at_most(name: str, value: float, limit: float) -> str | None:
    if np.isnan(value):
        return f"{name} cannot be measured, at most {limit:g} is allowed"
    return None if value <= limit + ROUNDING else f"{name} is {_apart(value, limit)}, at most {limit:g} is allowed"


def _apart(value: float, limit: float) -> str:
    """Return the value with as many digits, four or more, as tell it from its limit."""
    shown = (f"{value:.{digits}g}" for digits in range(4, 18))
    return next(text for text in shown if float(text) != limit)

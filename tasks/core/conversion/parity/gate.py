"""Whether a variant keeps enough of its checkpoint's ranking, and its probabilities, to serve."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.core.conversion.parity.parity_figures import LabelFigures
from tasks.core.conversion.parity.ranking_shift import RankingShift
from tasks.core.round.conversion_section import Limits

ROUNDING = 1e-9
"""A figure that is so near its limit stands on it."""
TURNED_BY = 1.1
"""An average this many times its limit, or more, is seldom within it on other texts of the same pool."""
EXTREME_TURNED_BY = 2.0
"""The same of the largest distance of any text, which varies more."""
FEW = 2
"""A verdict that hangs on so few texts could be another on other texts."""


@dataclass(frozen=True)
class Check:
    """A figure beside its limit."""

    name: str
    value: float | None
    """None or NaN stands for what cannot be measured, which fails."""
    limit: float
    at_most: bool = True
    turned_by: float | None = TURNED_BY
    """Within this factor of its limit other texts could turn it; None: it has nothing to do with which are drawn."""
    beyond: int | None = None
    """So many texts are beyond the limit, where it is one of distance."""

    @property
    def reason(self) -> str | None:
        """Why the variant may not serve, with figure, value and limit; None when the figure keeps its limit."""
        allowed = f"at most {self.limit:g} is allowed" if self.at_most else f"at least {self.limit:g} is needed"
        if self.value is None or math.isnan(self.value):
            return f"{self.name} cannot be measured, {allowed}"
        beyond = self.value - self.limit if self.at_most else self.limit - self.value
        return f"{self.name} is {_apart(self.value, self.limit)}, {allowed}" if beyond > ROUNDING else None

    @property
    def is_near(self) -> bool:
        """Whether other texts could turn it."""
        if self.turned_by is None or self.value is None or math.isnan(self.value):
            return False
        if self.beyond:
            return self.beyond <= FEW
        used, allowed = (self.value, self.limit) if self.at_most else (1 - self.value, 1 - self.limit)
        return allowed / self.turned_by < used < allowed * self.turned_by


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a variant for one label."""

    reasons: tuple[str, ...] = ()
    """Why it may not serve; there are none when it passes."""
    near: tuple[str, ...] = ()
    """Figures so near their limits that other texts of the sample could turn the verdict."""

    def __add__(self, other: "Verdict") -> "Verdict":
        """Return what both say together: what fails clearly is not turned by what is near."""
        reasons = self.reasons + other.reasons
        near = tuple(dict.fromkeys(self.near + other.near))
        firm = any(part.reasons and not part.near for part in (self, other))
        return Verdict(reasons, () if firm else near)


def judge(figures: LabelFigures, batch_variance: float, limits: Limits) -> Verdict:
    """Judge a variant by its figures on the parity texts and on the labelled rows.

    `batch_variance` is the largest change of a logit among other texts. A figure on its limit passes. One that could
    not be measured fails, except the loss of average precision: a split that is all true or all false shows no loss.
    """
    losses = {name: getattr(figures, name) for name in ("validation_ap_loss", "test_ap_loss")}
    distinct = figures.distinct_top / figures.distinct_top_checkpoint
    return verdict_of(
        [
            *_checks_of_taus(vars(figures), limits),
            *checks_of_tops(figures.shift, limits),
            *(Check(name, loss, limits.ap_loss, turned_by=None) for name, loss in losses.items() if loss is not None),
            Check("batch_variance", batch_variance, limits.batch_variance, turned_by=None),
            Check("distinct_share", distinct, limits.distinct_share, at_most=False, turned_by=None),
        ]
    )


def judge_scored(shift: RankingShift, limits: Limits) -> Verdict:
    """Judge a variant by its log-odds of all scored texts, which are a fair draw of the sample's."""
    where = f" over all {shift.texts} scored texts"
    return verdict_of([*checks_of_tops(shift, limits, where), *_checks_of_shift(shift, limits, where)])


def judge_apart(correlations: Mapping[str, float | None], shift: RankingShift, limits: Limits) -> Verdict:
    """Judge the ranking alone, of texts set apart: what an int8 variant in the making is steered by."""
    return verdict_of(
        [
            *_checks_of_taus(correlations, limits),
            *checks_of_tops(shift, limits),
            *_checks_of_shift(shift, limits),
        ]
    )


def _checks_of_taus(correlations: Mapping[str, float | None], limits: Limits) -> list[Check]:
    names = ("kendall_tau", "kendall_tau_top")
    return [Check(name, correlations[name], getattr(limits, name), at_most=False) for name in names]


def checks_of_tops(shift: RankingShift, limits: Limits, where: str = "") -> list[Check]:
    """Return the displacement and regret of each best k, with their limits."""
    far, lost = limits.displacement, limits.regret
    return [
        *(
            Check(f"displacement at {at}{where}", top.displacement, far, turned_by=EXTREME_TURNED_BY, beyond=top.beyond)
            for at, top in shift.tops.items()
        ),
        *(
            Check(f"regret at {at}{where}", top.regret, lost, turned_by=EXTREME_TURNED_BY)
            for at, top in shift.tops.items()
        ),
    ]


def _checks_of_shift(shift: RankingShift, limits: Limits, where: str = "") -> list[Check]:
    """Return what only a fair draw of the sample's texts can tell."""
    flips = shift.flips_beyond / shift.texts
    return [
        Check(f"flips_beyond{where}", flips, limits.flips_beyond, turned_by=EXTREME_TURNED_BY),
        Check(f"probability_shift{where}", abs(shift.probability_shift), limits.probability_shift),
        Check(f"rms_error{where}", shift.rms_error, limits.displacement),
    ]


def verdict_of(checks: list[Check]) -> Verdict:
    """Return what fails; and what could turn that, unless a figure fails clearly."""
    failing = [check for check in checks if check.reason]
    near = [check.name for check in failing or checks if check.is_near]
    is_firm = any(not check.is_near for check in failing)
    return Verdict(tuple(check.reason for check in failing if check.reason), () if is_firm else tuple(near))


def _apart(value: float, limit: float) -> str:
    """Return the value with as many digits, four or more, as tell it from its limit."""
    shown = (f"{value:.{digits}g}" for digits in range(4, 18))
    return next(text for text in shown if float(text) != limit)

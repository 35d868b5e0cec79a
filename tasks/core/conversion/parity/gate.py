"""Whether a variant keeps enough of its checkpoint's ranking, and its probabilities, to serve."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.core.conversion.parity.parity_figures import LabelFigures
from tasks.core.conversion.parity.ranking_shift import RankingShift
from tasks.core.round.conversion_section import Limits

ROUNDING = 1e-9
"""A figure that is so near its limit stands on it."""
NEAR = 1.5
"""A figure within this factor of its limit could lie beyond it, or within, on other texts of the same pool."""


@dataclass(frozen=True)
class Check:
    """A figure beside its limit."""

    name: str
    value: float | None
    """None or NaN stands for what cannot be measured, which fails."""
    limit: float
    at_most: bool = True
    drawn: bool = True
    """Other texts of the sample would give another value."""

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
        if not self.drawn or self.value is None or math.isnan(self.value):
            return False
        used, allowed = (self.value, self.limit) if self.at_most else (1 - self.value, 1 - self.limit)
        return allowed / NEAR < used < allowed * NEAR


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
            *(Check(name, loss, limits.ap_loss, drawn=False) for name, loss in losses.items() if loss is not None),
            Check("batch_variance", batch_variance, limits.batch_variance, drawn=False),
            Check("distinct_share", distinct, limits.distinct_share, at_most=False, drawn=False),
        ]
    )


def judge_scored(shift: RankingShift, limits: Limits) -> Verdict:
    """Judge a variant by its log-odds of all scored texts, which are a fair draw of the sample's."""
    where = f" over all {shift.texts} scored texts"
    checks = [
        *checks_of_tops(shift, limits, where),
        Check(f"probability_shift{where}", abs(shift.probability_shift), limits.probability_shift),
        Check(f"rms_error{where}", shift.rms_error, limits.displacement),
    ]
    return verdict_of(checks)


def judge_apart(correlations: Mapping[str, float | None], shift: RankingShift, limits: Limits) -> Verdict:
    """Judge the ranking alone, of texts set apart: what an int8 variant in the making is steered by."""
    return verdict_of([*_checks_of_taus(correlations, limits), *checks_of_tops(shift, limits)])


def _checks_of_taus(correlations: Mapping[str, float | None], limits: Limits) -> list[Check]:
    names = ("kendall_tau", "kendall_tau_top")
    return [Check(name, correlations[name], getattr(limits, name), at_most=False) for name in names]


def checks_of_tops(shift: RankingShift, limits: Limits, where: str = "") -> list[Check]:
    """Return the displacement and regret of each best k, and the displacement at the threshold, with their limits."""
    displacements = {name: top.displacement for name, top in shift.tops.items()} | {"threshold": shift.flip_distance}
    return [
        *(Check(f"displacement at {at}{where}", value, limits.displacement) for at, value in displacements.items()),
        *(Check(f"regret at {at}{where}", top.regret, limits.regret) for at, top in shift.tops.items()),
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

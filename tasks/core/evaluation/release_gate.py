"""Whether a version may become champion: its figures on the pool beside the champion's, intervals taken into account.

A version passes where every figure surely falls by no more than the round file allows, is refused where one surely
falls by more, and where neither is sure the verdict is `unclear`, with the number of labels that would decide. A
validation figure plays no part: only the pool tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Any, Literal

from tasks.core.base.errors import EvaluationError
from tasks.core.evaluation.count_bounds import Estimate
from tasks.core.evaluation.difference import (
    Needed,
    Verdict,
    difference,
    labels_for_count,
    labels_for_precision,
    least_change,
    ratio,
    verdict_of,
)
from tasks.core.evaluation.score_drift import Drift
from tasks.core.evaluation.standing import Standing
from tasks.core.round.evaluation_section import Gate

Decision = Literal["first", "stands", "promoted", "refused", "unclear", "forced", "borrowed"]
PROMOTES = ("first", "promoted", "forced")
SHORTEST_REASON = 10


@dataclass(frozen=True)
class Check:
    """One figure of the two versions."""

    figure: str
    verdict: Verdict
    said: str
    needed: Needed | None = None


@dataclass(frozen=True)
class Judgement:
    """What the gate decides of a version, and why."""

    decision: Decision
    sentence: str
    checks: list[Check] = field(default_factory=list)
    force_reason: str = ""

    @property
    def promotes(self) -> bool:
        """Whether the version becomes champion."""
        return self.decision in PROMOTES

    def rows(self) -> list[dict[str, Any]]:
        """Return a row a figure for a person to read."""
        return [
            {"figure": check.figure, "verdict": check.verdict, "labels needed": _needed(check), "because": check.said}
            for check in self.checks
        ]


def judge(
    new: Standing, champion: Standing | None, drift: Drift | None, gate: Gate, force_reason: str = ""
) -> Judgement:
    """Judge a version beside the champion; `force_reason` makes it champion in spite of what was found.

    Raises:
        EvaluationError: the reason is too short to be one.
    """
    require_reason(force_reason)
    checks = [] if champion is None else _checks(new, champion, drift, gate)
    found = _decide(new, champion, checks)
    if found.promotes or not force_reason or found.decision == "stands":
        return found
    return Judgement("forced", f"made champion by force: {force_reason}. Else: {found.sentence}", checks, force_reason)


def borrowed(new: Standing, model_country: str) -> Judgement:
    """Return the judgement of another country's version, which becomes champion by its own country's texts alone."""
    sentence = f"{new.registered_model} version {new.version} is {model_country}'s: rounds of {model_country} judge it"
    return Judgement("borrowed", sentence)


def require_reason(force_reason: str) -> None:
    """Raise EvaluationError for a reason that is none."""
    if force_reason and len(force_reason.strip()) < SHORTEST_REASON:
        raise EvaluationError(
            f"force_reason is {force_reason!r}; a version that the gate does not pass becomes champion for a reason of "
            f"at least {SHORTEST_REASON} characters, which is recorded. Write why it should serve all the same."
        )


def _decide(new: Standing, champion: Standing | None, checks: Sequence[Check]) -> Judgement:
    name = f"{new.registered_model} version {new.version}"
    if champion is None:
        labelled = max((top.labelled for top in new.tops.values()), default=0)
        if labelled:
            return Judgement("first", f"{name} becomes champion: there was none", [])
        return Judgement("unclear", f"of {name} cannot be told yet: none of its best texts has an answer", [])
    if champion.version == new.version:
        return Judgement("stands", f"{name} is the champion", list(checks))
    beside = f"champion version {champion.version}"
    if falls := _because(checks, "falls"):
        return Judgement("refused", f"{name} is refused, {beside} stays: {falls}", list(checks))
    if unclear := _because(checks, "unclear"):
        sentence = f"of {name} cannot be told yet, {beside} stays. {_label_more(checks)}: {unclear}"
        return Judgement("unclear", sentence, list(checks))
    return Judgement("promoted", f"{name} becomes champion in place of version {champion.version}", list(checks))


def _because(checks: Sequence[Check], verdict: Verdict) -> str:
    return "; ".join(f"{check.figure} {check.said}" for check in checks if check.verdict == verdict)


def _checks(new: Standing, champion: Standing, drift: Drift | None, gate: Gate) -> list[Check]:
    checks = [_precision(rank, new, champion, fall) for rank, fall in sorted(gate.precision_at.items())]
    checks.append(_expansion(new, champion, gate.expansion))
    if drift is not None:
        verdict: Verdict = "falls" if gate.largest_psi is not None and drift.psi > gate.largest_psi else "passes"
        checks.append(Check("drift", verdict, drift.sentence))
    return checks


def _precision(rank: int, new: Standing, champion: Standing, fall: float) -> Check:
    figure = f"precision at {rank}"
    own, theirs = new.tops.get(rank), champion.tops.get(rank)
    if own is None or not own.labelled:
        size = min(rank, sum(cell.size for cell in own.cells)) if own else rank
        return Check(figure, "unclear", "has no labels yet", Needed(min(size, 10), 0))
    if theirs is None or not theirs.labelled:
        return Check(figure, "unclear", f"of the champion, version {champion.version}, has no labels", Needed(0, 10))
    change = difference(own.precision, theirs.precision)
    verdict = verdict_of(change, fall)
    said = f"is {own.precision}, the champion's {theirs.precision}: {_change(change)}; it may fall by {fall:g}"
    if verdict != "unclear":
        return Check(figure, verdict, said)
    return Check(figure, verdict, said, labels_for_precision(own.cells, theirs.cells, (own.rank, theirs.rank), fall))


def _expansion(new: Standing, champion: Standing, fall: float) -> Check:
    if fall >= 1:
        return Check("expansion", "passes", "may shrink to nothing, as the round file says")
    if champion.expansion is None:
        return Check(
            "expansion", "passes", f"has nothing to fall below: of the champion it is not known ({champion.lacking})"
        )
    if new.expansion is None:
        return Check("expansion", "unclear", f"is not known: {new.lacking}", Needed(max(1, new.lacking_labels), 0))
    own, theirs = new.expansion.share, champion.expansion.share
    change, allowed = ratio(own, theirs), least_change(fall)
    verdict = verdict_of(change, allowed)
    said = (
        f"is {own} in a million texts, the champion's {theirs}: {exp(change.value):.2g} times as many "
        f"({exp(change.low):.2g} to {exp(change.high):.2g}); it may fall to {1 - fall:.2g} times"
    )
    needed = labels_for_count(change, allowed, new.expansion.labelled) if verdict == "unclear" else None
    return Check("expansion", verdict, said, needed)


def _change(change: Estimate) -> str:
    return f"a change of {change.value:+.2f} ({change.low:+.2f} to {change.high:+.2f})"


def _needed(check: Check) -> str:
    if check.needed is None:
        return ""
    both = f", and {check.needed.champions} of the champion's best texts" if check.needed.champions else ""
    return f"{check.needed.own}{both}"


def _label_more(checks: Sequence[Check]) -> str:
    """Say how many labels would decide all figures that are unclear: those of one rank serve the others, too."""
    open_ = [check.needed for check in checks if check.verdict == "unclear"]
    known = [needed for needed in open_ if needed is not None]
    if len(known) < len(open_):
        return "No number of labels would decide"
    own, theirs = max(needed.own for needed in known), max(needed.champions for needed in known)
    return f"Label {own} more" + (f", and {theirs} more of the champion's evaluation batch" if theirs else "")

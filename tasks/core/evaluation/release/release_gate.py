"""Whether a version may become champion: its figures on the pool beside the champion's, intervals taken into account.

A version passes where every figure surely falls by no more than the round file allows, is refused where one surely
falls by more, and where neither is sure the verdict is `unclear`, with the number of labels that would decide. A
validation figure plays no part: only the pool tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tasks.core.base.errors import EvaluationError
from tasks.core.evaluation.release.difference import Verdict
from tasks.core.evaluation.release.first_champion import check_first
from tasks.core.evaluation.release.gate_checks import Check, checks_of
from tasks.core.evaluation.release.score_drift import Drift
from tasks.core.evaluation.release.standing import Standing
from tasks.core.round.evaluation_section import Gate

Decision = Literal["first", "stands", "promoted", "passes", "refused", "unclear", "forced", "borrowed"]
PROMOTES = ("first", "promoted", "forced")
SHORTEST_REASON = 10


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
    checks = check_first(new, gate) if champion is None else checks_of(new, champion, drift, gate)
    found = _decide(new, champion, checks)
    if found.promotes or not force_reason or found.decision == "stands":
        return found
    return Judgement("forced", f"made champion by force: {force_reason}. Else: {found.sentence}", checks, force_reason)


def held(found: Judgement, approved_because: str) -> Judgement:
    """Return a judgement where a person must approve champions: without a reason, it makes none yet.

    Raises:
        EvaluationError: the reason is too short to be one.
    """
    if 0 < len(approved_because.strip()) < SHORTEST_REASON:
        raise EvaluationError(
            f"approved_because is {approved_because!r}; a version is approved for a reason of at least "
            f"{SHORTEST_REASON} characters, which is recorded"
        )
    if not found.promotes or found.force_reason:
        return found
    if approved_because.strip():
        return replace(found, sentence=f"{found.sentence}. Approved: {approved_because}")
    return replace(found, decision="passes", sentence=f"once a person approves it, {found.sentence}")


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


def forced_label(force_reason: str, force_label: str | None, labels: Sequence[str]) -> str | None:
    """Return the one label that is forced, or None: a reason for one says nothing of the others, however they fell.

    Raises:
        EvaluationError: the reason is none, or it is not said which of the labels it is for.
    """
    require_reason(force_reason)
    if not force_reason and force_label is None:
        return None
    found = labels[0] if force_label is None and len(labels) == 1 else force_label
    if not force_reason or found not in labels:
        raise EvaluationError(
            f"force_reason is {force_reason!r} and force_label {force_label!r}: a version is forced by a reason "
            f"and the label that it is for, one of {list(labels)}. Give both: "
            f"-p force_label={labels[0]} -p force_reason=WHY"
        )
    return found


def _decide(new: Standing, champion: Standing | None, checks: Sequence[Check]) -> Judgement:
    name = f"{new.registered_model} version {new.version}"
    if champion is None:
        return _decide_first(name, checks)
    if champion.version == new.version:
        return Judgement("stands", f"{name} is the champion", list(checks))
    beside = f"champion version {champion.version}"
    if falls := _because(checks, "falls"):
        return Judgement("refused", f"{name} is refused, {beside} stays: {falls}", list(checks))
    if unclear := _because(checks, "unclear"):
        sentence = f"of {name} cannot be told yet, {beside} stays. {_label_more(checks)}: {unclear}"
        return Judgement("unclear", sentence, list(checks))
    return Judgement("promoted", f"{name} becomes champion in place of version {champion.version}", list(checks))


def _decide_first(name: str, checks: Sequence[Check]) -> Judgement:
    """Decide of a version that nothing can be compared with: its own figures must stand on enough labels."""
    if unclear := _because(checks, "unclear"):
        sentence = f"of {name} cannot be told yet, and there is no champion. {_label_more(checks)}: {unclear}"
        return Judgement("unclear", sentence, list(checks))
    figures = _because(checks, "passes")
    sentence = f"{name} becomes champion: there was none, so nothing was compared: {figures}"
    return Judgement("first", sentence, list(checks))


def _because(checks: Sequence[Check], verdict: Verdict) -> str:
    return "; ".join(f"{check.figure} {check.said}" for check in checks if check.verdict == verdict)


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

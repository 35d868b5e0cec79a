"""The figures of two versions beside each other, one check each: surely no worse, surely worse, or neither is sure."""

from dataclasses import dataclass
from math import exp

from tasks.core.evaluation.count_bounds import Estimate
from tasks.core.evaluation.release.difference import (
    Needed,
    Verdict,
    difference,
    labels_for_count,
    labels_for_precision,
    least_change,
    ratio,
    verdict_of,
)
from tasks.core.evaluation.release.score_drift import Drift
from tasks.core.evaluation.release.standing import Standing
from tasks.core.round.evaluation_section import Gate

UNLIKE = 1.1
"""Figures are not compared where one version was judged among so many times as many texts as the other."""
EARLIER = (
    "is that of an earlier version than the champion's: a round that is evaluated again does not take its successor's "
    "place; to go back, give force_reason"
)
SAME_SAMPLE = "evaluate both versions on the same sample (run the evaluation of the champion's round with `sample`)"
ALIKE = "where both samples were drawn alike, evaluation.gate.same_texts: false compares them"


@dataclass(frozen=True)
class Check:
    """One figure of the two versions."""

    figure: str
    verdict: Verdict
    said: str
    needed: Needed | None = None


def checks_of(new: Standing, champion: Standing, drift: Drift | None, gate: Gate) -> list[Check]:
    """Return a check for each figure that the gate looks at, beside the champion's."""
    checks = [_precision(rank, new, champion, fall) for rank, fall in sorted(gate.precision_at.items())]
    if int(new.version) < int(champion.version):
        checks.insert(0, Check("age", "falls", EARLIER))
    checks.append(_expansion(new, champion, gate.expansion))
    if unlike := _unlike_texts(new, champion, gate):
        checks.append(unlike)
    if drifted := _drift(new, champion, drift, gate):
        checks.append(drifted)
    return checks


def _unlike_texts(new: Standing, champion: Standing, gate: Gate) -> Check | None:
    """Return a check that nothing passes where the two ranked other texts, or so unlike numbers of them.

    A sample of texts that hold a word of the label is easier than as many random ones; and the more texts, the easier a
    precision at a rank: a worse version looks better among twice as many.
    """
    if not new.rows or not champion.rows:
        return None
    fewer, more = sorted((new.rows, champion.rows))
    if more > UNLIKE * fewer:
        why = (
            f"has {new.rows:,} texts, the champion's {champion.rows:,}, and a precision at a rank is easier among more"
        )
        return Check("sample", "unclear", f"{why}: {SAME_SAMPLE}")
    if gate.same_texts and new.sample_digest != champion.sample_digest:
        why = f"is another: {new.rows:,} texts were ranked, and the champion ranked {champion.rows:,} others"
        return Check("sample", "unclear", f"{why}. {SAME_SAMPLE[0].upper()}{SAME_SAMPLE[1:]}; {ALIKE}")
    return None


def _drift(new: Standing, champion: Standing, drift: Drift | None, gate: Gate) -> Check | None:
    limit = gate.largest_psi
    if drift is not None:
        return Check("drift", "falls" if limit is not None and drift.psi > limit else "passes", drift.sentence)
    if new.sample_digest == champion.sample_digest or champion.rows is None:
        return None
    said = "is not measured: the champion scored other texts"
    return Check("drift", "passes" if limit is None else "unclear", said)


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

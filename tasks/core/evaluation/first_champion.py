"""A version where there is no champion: nothing is compared, so its own figures must stand on enough labels.

Later versions are judged beside it. A champion of one answer would be one that nobody knows.
"""

from tasks.core.evaluation.difference import Needed
from tasks.core.evaluation.gate_checks import Check
from tasks.core.evaluation.standing import Standing, TopTexts
from tasks.core.round.evaluation_section import Gate


def check_first(new: Standing, gate: Gate) -> list[Check]:
    """Return a check for each precision of the gate: whether enough of the texts between its ranks are labelled."""
    checks: list[Check] = []
    before, lacking = TopTexts(0, ()), 0
    for rank in sorted(gate.precision_at or new.tops):
        top = new.tops.get(rank, TopTexts(rank, ()))
        texts, labelled = top.rank - before.rank, top.labelled - before.labelled
        missing = max(0, min(gate.first_labels, texts) - labelled)
        lacking += missing
        checks.append(_check(rank, top, labelled, missing, Needed(lacking, 0), gate))
        before = top
    return checks


def _check(rank: int, top: TopTexts, labelled: int, missing: int, needed: Needed, gate: Gate) -> Check:
    figure = f"precision at {rank}"
    if not missing:
        return Check(figure, "passes", f"is {top.precision} by {top.labelled} labels")
    said = f"stands on {labelled} labels of its own; a first champion needs {gate.first_labels}"
    return Check(figure, "unclear", f"{said} (evaluation.gate.first_labels)", needed)

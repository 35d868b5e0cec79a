"""A version where there is no champion: nothing is compared, so its own figures must stand on enough labels.

Later versions are judged beside it. A champion of one answer would be one that nobody knows.
"""

from math import ceil

from tasks.core.evaluation.release.difference import Needed
from tasks.core.evaluation.release.gate_checks import Check
from tasks.core.evaluation.release.standing import Standing, TopTexts
from tasks.core.round.evaluation_section import Gate


def check_first(new: Standing, gate: Gate) -> list[Check]:
    """Return a check for each precision of the gate: whether enough of the texts between its ranks are labelled.

    Of few texts half suffice: some answers are `unsure`, and no more texts are there to be asked.
    """
    checks: list[Check] = []
    before, lacking = TopTexts(0, ()), 0
    for rank in sorted(gate.precision_at or new.tops):
        top = new.tops.get(rank, TopTexts(rank, ()))
        texts, labelled = top.rank - before.rank, top.labelled - before.labelled
        wanted = min(gate.first_labels, ceil(texts / 2))
        missing = max(0, wanted - labelled)
        lacking += missing
        said = f"stands on {labelled} labels of its own; a first champion needs {wanted} (evaluation.gate.first_labels)"
        checks.append(_check(rank, top, missing, said, lacking))
        before = top
    return checks


def _check(rank: int, top: TopTexts, missing: int, said: str, lacking: int) -> Check:
    figure = f"precision at {rank}"
    if missing:
        return Check(figure, "unclear", said, Needed(lacking, 0))
    return Check(figure, "passes", f"is {top.precision} by {top.labelled} labels" if top.labelled else "has no texts")

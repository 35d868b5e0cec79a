"""Whether every split has the positives and negatives that training and its metric need."""

from dataclasses import dataclass

import numpy as np

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.rows import LabelledRows, Ledger, StudyRequest
from tasks.core.corpus.labelled.splits import SPLITS
from tasks.core.round.sections import LabelledData

NEEDED_POSITIVES = {"train": 1, "validation": 2, "test": 2}
NEEDED_IN_VALIDATION = {"precision_at_20": 20, "precision_at_50": 50}


@dataclass(frozen=True)
class Counts:
    """Positives and negatives of one label in one split."""

    label: str
    split: str
    positives: int
    negatives: int


def count_values(rows: LabelledRows, labels: list[str]) -> list[Counts]:
    """Count positives (a target of at least one half) and negatives by label and split."""
    counts = []
    for place, label in enumerate(labels):
        for split in SPLITS:
            targets = rows.targets[rows.splits == split, place]
            counts.append(Counts(label, split, int(np.sum(targets >= 0.5)), int(np.sum(targets < 0.5))))
    return counts


def check_positives(
    counts: list[Counts], drawn: list[str], data: LabelledData, request: StudyRequest, ledger: Ledger
) -> None:
    """Raise InputDataError when a label has too few positives or negatives in a split; it says where the rows went."""
    for found in counts:
        needed = NEEDED_POSITIVES[found.split]
        if found.split == "validation":
            needed = max(needed, NEEDED_IN_VALIDATION.get(request.metric, 0))
        if found.positives < needed or not found.negatives:
            raise InputDataError(f"{_message(found, needed, drawn, data, request)} {ledger.told()}")


def _message(found: Counts, needed: int, drawn: list[str], data: LabelledData, request: StudyRequest) -> str:
    where = f"'{request.labels[found.label]}' in {data.path}"
    advice = ["Label more texts"]
    if found.split in drawn:
        advice.append(f"raise labelled_data.{found.split}_share")
    if needed > NEEDED_POSITIVES[found.split]:
        advice.append("choose another training.metric")
    advice.append("set the label to null in the round file")
    return (
        f"the {found.split} split of label '{found.label}' ({where}) has {found.positives} positives and "
        f"{found.negatives} negatives, but training.metric {request.metric} needs at least {needed} positives and 1 "
        f"negative there. {', '.join(advice[:-1])}, or {advice[-1]}."
    )

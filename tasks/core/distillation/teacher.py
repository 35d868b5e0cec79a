"""The teacher: the mean probability of the experts, text by text, once they are known to speak of the same texts."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import fingerprint
from tasks.core.distillation.expert_scores import ExpertScores


@dataclass(frozen=True)
class Teacher:
    """The experts' mean probabilities."""

    labels: tuple[str, ...]
    experts: dict[str, tuple[str, ...]]
    """Each label is taught by the experts of these names."""
    ids: pa.ChunkedArray
    scores: NDArray[np.float64]
    """The mean probabilities have the shape (rows, labels)."""

    @property
    def digest(self) -> str:
        """Fingerprint of what the experts think, wherever their runs lie."""
        return fingerprint([self.labels, hashlib.sha256(self.scores.astype(np.float32).tobytes()).hexdigest()])


def ask_experts(experts: Iterable[ExpertScores], labels: Sequence[str], preprocessing: str) -> Teacher:
    """Return the mean of the experts' probabilities; each is let go of before the next is taken.

    Raises:
        InputDataError: experts have another order of labels, preprocessing or sample; scores are missing or no
            probabilities; a label has no expert; or all texts have the same mean.
    """
    first: ExpertScores | None = None
    sums = np.empty((0, len(labels)))
    names: dict[str, list[str]] = {label: [] for label in labels}
    for expert in experts:
        _require_sound(expert, labels, preprocessing)
        if first is None:
            first, sums = expert, np.zeros((len(expert.scores), len(labels)))
        _require_same_texts(first, expert)
        sums[:, [labels.index(label) for label in expert.labels]] += expert.scores
        for label in expert.labels:
            names[label].append(expert.name)
    silent = [label for label, own in names.items() if not own]
    if first is None or silent:
        raise InputDataError(
            f"no expert has scored {silent or list(labels)}: name a run that did in distillation.experts, or score the "
            "sample with the inference flow first"
        )
    scores = sums / [len(own) for own in names.values()]
    _require_opinions(scores, labels)
    return Teacher(tuple(labels), {label: tuple(own) for label, own in names.items()}, first.ids, scores)


def _require_sound(expert: ExpertScores, labels: Sequence[str], preprocessing: str) -> None:
    if list(expert.labels) != [label for label in labels if label in expert.labels]:
        raise InputDataError(
            f"the expert {expert.name} has the labels {list(expert.labels)}, which are not in the round's order "
            f"{list(labels)}: its probabilities would be taken for those of other labels"
        )
    if expert.preprocessing != preprocessing:
        raise InputDataError(
            f"the expert {expert.name} read texts after the preprocessing '{expert.preprocessing}', but the round, and "
            f"so the student, has '{preprocessing}'. Experts and student must read the same; leave the expert out, or "
            "set preprocessing in the round file."
        )
    unsound = ~((expert.scores >= 0) & (expert.scores <= 1))
    if unsound.any():
        row, column = (int(place) for place in np.argwhere(unsound)[0])
        raise InputDataError(
            f"the expert {expert.name} has {int(unsound.sum())} scores that are missing or no probability from 0 to 1; "
            f"the first, of id {expert.ids[row].as_py()!r} for '{expert.labels[column]}', is "
            f"{expert.scores[row, column]}. Run its inference again."
        )


def _require_same_texts(first: ExpertScores, expert: ExpertScores) -> None:
    if expert.sample != first.sample:
        raise InputDataError(
            f"the experts {first.name} and {expert.name} scored different samples, so their scores are not of the same "
            "texts. Score one sample with all experts, and name those runs."
        )
    if not expert.ids.equals(first.ids):
        raise InputDataError(
            f"the experts {first.name} and {expert.name} scored the same files, but not the same rows: "
            f"{len(first.ids)} and {len(expert.ids)}. One of the runs had a limit, or other rows could not be scored; "
            "score the sample again with both."
        )


def _require_opinions(scores: NDArray[np.float64], labels: Sequence[str]) -> None:
    for column, label in enumerate(labels):
        if len(scores) == 0 or scores[:, column].min() == scores[:, column].max():
            raise InputDataError(
                f"the experts give every one of {len(scores)} texts the same probability of '{label}', from which "
                "nothing can be learnt. Look at the experts' own results, or at the sample."
            )

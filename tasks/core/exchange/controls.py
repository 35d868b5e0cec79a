"""Control questions: texts whose answer is known, mixed in for labellers; who fails them is left out, by name."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.core.base.errors import InputDataError
from tasks.core.exchange.answer_file import read_answer_file
from tasks.core.exchange.answer_words import Answer, answer_of
from tasks.core.exchange.batch import Batch
from tasks.core.round.labelling_section import Labelling
from tasks.core.runs.parts import ID_COLUMN

Key = tuple[str, str]
"""A text's id, as a string, and a label."""


@dataclass(frozen=True)
class Control:
    """A question whose answer is known."""

    tweet_id: str
    text: str
    label: str
    answer: Answer


@dataclass(frozen=True)
class ControlRecord:
    """How an annotator did on the controls."""

    right: int
    answered: int
    failed: bool

    def __str__(self) -> str:
        return f"{self.right} of {self.answered} controls right"


def read_controls(labelling: Labelling, batch: Batch) -> list[Control]:
    """Return the control questions of the batch's labels.

    Raises:
        InputDataError: the file cannot be read, an answer is neither yes nor no, a question stands twice or has no
            text, or its text is one of the batch.
    """
    if labelling.controls is None:
        return []
    labels = set(batch.draws["label"].to_pylist())
    rows = [row for row in read_answer_file(labelling.controls).rows if row.label in labels]
    found = [Control(row.tweet_id, row.text, row.label, answer_of(row.word) or "blank") for row in rows]
    sent = set(map(str, batch.texts[ID_COLUMN].to_pylist()))
    keys = [(control.tweet_id, control.label) for control in found]
    for control in found:
        problem = _problem(control, sent, keys)
        if problem:
            raise InputDataError(
                f"the control question {control.tweet_id!r} ({control.label}) of {labelling.controls} {problem}. "
                "Correct that file."
            )
    return found


def judge(
    answers: Iterable[tuple[str, Key, Answer]], controls: list[Control], labelling: Labelling
) -> dict[str, ControlRecord]:
    """Return how each annotator did who answered a control; unsure is not right, and blank is no answer."""
    known = {(control.tweet_id, control.label): control.answer for control in controls}
    right: dict[str, list[bool]] = defaultdict(list)
    for annotator, key, answer in answers:
        if key in known and answer != "blank":
            right[annotator].append(answer == known[key])
    return {
        annotator: ControlRecord(sum(hits), len(hits), sum(hits) < labelling.controls_right * len(hits))
        for annotator, hits in sorted(right.items())
    }


def _problem(control: Control, sent: set[str], keys: list[Key]) -> str:
    if control.answer not in ("yes", "no"):
        return "has an answer that is neither yes nor no"
    if not control.text.strip():
        return "has no text"
    if control.tweet_id in sent:
        return "is a text of the batch, whose answer would be given away"
    return "stands twice" if keys.count((control.tweet_id, control.label)) > 1 else ""

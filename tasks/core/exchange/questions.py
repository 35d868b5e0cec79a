"""What a labeller is asked: each text of a batch, with each of its labels, and the controls among them."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.core.exchange.batch import Batch
from tasks.core.exchange.controls import Control
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN


@dataclass(frozen=True)
class Question:
    """A text and one of its labels."""

    tweet_id: str
    text: str
    label: str
    drawn: dict[str, Any] = field(default_factory=dict)
    """What the batch says of the draw: author, method, reason, rank, score, stage and inclusion probability. A control
    has none of it: in a file it looks like a text that was added by hand."""


def questions_of(batch: Batch, controls: Sequence[Control] = ()) -> list[Question]:
    """Return a batch's questions in the order of its texts, and the controls after them."""
    draws: dict[tuple[Any, str], list[dict[str, Any]]] = {}
    for row in batch.draws.to_pylist():
        draws.setdefault((row[ID_COLUMN], row["label"]), []).append(row)
    asked = [
        Question(str(row[ID_COLUMN]), row["text"], label, _joined(draws[row[ID_COLUMN], label], row["author"]))
        for row in batch.texts.to_pylist()
        for label in row["labels"]
    ]
    return asked + [Question(one.tweet_id, one.text, one.label) for one in controls]


def shuffled(questions: Sequence[Question], key: str) -> list[Question]:
    """Return the questions in an order that the key fixes; a text's labels stay together."""
    texts: dict[str, list[Question]] = {}
    for question in questions:
        texts.setdefault(question.tweet_id, []).append(question)
    order = sorted(texts)
    random.Random(key).shuffle(order)  # noqa: S311 - an order, no secret
    return [question for id_ in order for question in texts[id_]]


def _joined(draws: list[dict[str, Any]], author: str | None) -> dict[str, Any]:
    """Return what several draws of a text for a label come to: they were made independently of each other."""
    missed = math.prod(1 - draw["inclusion_probability"] for draw in draws)
    return {
        "author": author,
        "method": " + ".join(dict.fromkeys(draw["method"] for draw in draws)),
        "reason": "; ".join(dict.fromkeys(draw["reason"] for draw in draws)),
        "rank": draws[0]["rank"],
        SCORE_COLUMN: draws[0][SCORE_COLUMN],
        "stage": draws[0]["stage"],
        "inclusion_probability": draws[0]["inclusion_probability"] if len(draws) == 1 else 1 - missed,
    }

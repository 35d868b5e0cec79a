"""What a reader of published scores is asked and answers, the same from Redis and from run folders.

Every answer names the version that it is of, and the model behind each label; no answer is of two versions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tasks.core.base.errors import InputDataError

LOOKED_UP_AT_ONCE = 1_000
LISTED_AT_ONCE = 100_000
"""One answer has so many texts at most: while Redis makes it, nobody else gets one."""


@dataclass(frozen=True)
class ScoredText:
    """What is published of a text."""

    id: str
    scores: Mapping[str, float]
    """The probability of each label that an expert scored the text for; nothing where the id is not known."""
    stages: Mapping[str, str] = field(default_factory=dict)
    """Labels that another stage than the expert gave or refused a score: `ngrams`, `student`, `drawn` or `audited`."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What the sample says beside the text, where columns are published."""

    @property
    def is_known(self) -> bool:
        """Whether anything is published of this id."""
        return bool(self.scores or self.stages or self.columns)


@dataclass(frozen=True)
class Answer:
    """Texts, and the version that says this of them."""

    country: str
    version: str
    models: Mapping[str, str]
    """Each label's scores come from this registered model and version, such as `us.positive 3`."""
    texts: tuple[ScoredText, ...]

    @property
    def text(self) -> ScoredText:
        """The only text of a lookup."""
        (only,) = self.texts
        return only


class ScoreReader(Protocol):
    """Answers what is known of texts."""

    def lookup(self, id_: str | int) -> Answer:
        """Return what is known of a text."""

    def lookup_many(self, ids: Sequence[str | int]) -> Answer:
        """Return what is known of texts, in their order, all of one version.

        Raises:
            InputDataError: these are more ids than one answer is given for.
        """

    def top(self, label: str, least: float = 0.0, limit: int = 50) -> Answer:
        """Return a label's best texts with at least some score, best first; texts of one score from the last id on.

        Raises:
            InputDataError: there is no such label, the score is none from 0 to 1, or the limit is out of range.
            PublishingError: the sorted set does not reach down so far.
        """


def ids_of(ids: Sequence[str | int]) -> list[str]:
    """Return ids as texts.

    Raises:
        InputDataError: these are more than one answer is given for, or one is a float or neither text nor integer.
    """
    if len(ids) > LOOKED_UP_AT_ONCE:
        raise InputDataError(
            f"{len(ids)} ids are looked up at once, and one answer is given for {LOOKED_UP_AT_ONCE} at most. Ask in "
            "several calls; each answer names its version."
        )
    for id_ in ids:
        if isinstance(id_, bool) or not isinstance(id_, str | int):
            raise InputDataError(f"{id_!r} is no id: an id is a text or an integer, never a float")
    return [str(id_) for id_ in ids]


def require_asked(label: str, labels: Sequence[str], where: str, least: float, limit: int) -> None:
    """Refuse a question for a label's best texts that has no answer.

    Raises:
        InputDataError: there is no such label, the score is none from 0 to 1, or the limit is out of range.
    """
    if label not in labels:
        raise InputDataError(f"{where} has no label '{label}', but {', '.join(labels)}")
    if not 0 <= least <= 1:
        raise InputDataError(f"the least score is {least}, but a score is a number from 0 to 1")
    if not 1 <= limit <= LISTED_AT_ONCE:
        raise InputDataError(f"the limit is {limit}, but 1 to {LISTED_AT_ONCE} texts are listed at once")

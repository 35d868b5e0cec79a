"""What a screening promises of a label: which share of the expert's top reaches the expert, and how sure that is."""

from dataclasses import dataclass

from tasks.core.base.errors import RoundFileError
from tasks.core.round.inference_section import WHY_NOT


@dataclass(frozen=True)
class Promise:
    """At `confidence`, at least `recall` of the texts that are the expert's top reach the expert."""

    top_share: float = 0.005
    """This share of the pool, by the expert's score, is its top."""
    recall: float = 0.99
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name, why in WHY_NOT.items():
            value = getattr(self, name)
            if not 0 < value < 1:
                raise RoundFileError(
                    f"inference.screening.{name} is {value}, and must lie between 0 and 1, without both: {why}. "
                    f"The default is {getattr(Promise, name)}; to score every text, leave inference.screening out."
                )

    def shared_by(self, labels: int) -> "Promise":
        """Return what each of some labels must promise so that all keep theirs at once (Bonferroni)."""
        return Promise(self.top_share, self.recall, 1 - (1 - self.confidence) / labels)

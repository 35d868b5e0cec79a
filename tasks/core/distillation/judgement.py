"""What a student's seed was found to be worth on held-out texts, kept beside the seed's folder."""

from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.errors import TornRecordError
from tasks.core.base.formats import FileFormat, read_record
from tasks.core.base.naming.composed_names import judgement_file
from tasks.core.distillation.rank_terms import PassShare
from tasks.core.distillation.student_plan import StudentPlan
from tasks.core.round.distillation_section import Distillation
from tasks.core.screening.promise import Promise
from tasks.core.training.seeds.seed_plan import SeedPlan, SeedResult


@dataclass(frozen=True)
class Judgement:
    """What a student's seed is worth on the held-out texts."""

    seed: int
    config_hash: str
    recall: float
    confidence: float
    """What is certified of each top and label holds with this confidence: the section's, shared by its seeds."""
    tops: list[float]
    shares: list[dict[str, float | int | str | None]]
    """Each top of each label has what must pass to keep it, at best and by the bound."""
    texts_per_core_second: float
    """The student's checkpoint scored so many texts a second on a core, in PyTorch and fp32."""

    def passed(self) -> list[PassShare]:
        """Return the shares as what they are."""
        return [PassShare(**share) for share in self.shares]  # type: ignore[arg-type]

    @property
    def mean_passed(self) -> float:
        """What passes at best, on average over labels and tops."""
        return sum(share.passed_share for share in self.passed()) / len(self.shares)

    @property
    def mean_certified(self) -> float:
        """What passes by the bound, on average over labels and tops: by this, students are told apart."""
        return sum(share.certified_share for share in self.passed()) / len(self.shares)


JUDGEMENT = FileFormat(
    kind="judgement of a student", number=1, schema=Judgement, remedy="Delete it and run the distillation flow again"
)


@dataclass(frozen=True)
class TaughtSeed:
    """A student's seed, trained and judged."""

    plan: SeedPlan
    result: SeedResult
    judgement: Judgement


def read_judgement(student: StudentPlan, plan: SeedPlan, settings: Distillation) -> Judgement | None:
    """Return a seed's judgement for these settings, or None where there is none that can be read."""
    try:
        found = Judgement(**read_record(judgement_path(student, plan), JUDGEMENT))
    except (FileNotFoundError, TornRecordError):
        return None
    wanted = settings.recall, shared_confidence(settings), list(settings.tops)
    return found if (found.recall, found.confidence, found.tops) == wanted else None


def shared_confidence(settings: Distillation) -> float:
    """Return with which confidence each seed is judged, so that the section's is left for the best of them.

    The seed is chosen by the texts that bound it; a bound on each that did not know of the others would be too sure.
    """
    return Promise(recall=settings.recall, confidence=settings.confidence).shared_by(len(settings.seeds)).confidence


def judgement_path(student: StudentPlan, plan: SeedPlan) -> Path:
    """Return where a seed's judgement lies."""
    return Path(plan.root) / judgement_file(plan.seed, plan.config_hash, student.heldout.digest)


def choose_seed(taught: list[TaughtSeed]) -> TaughtSeed:
    """Return the seed that lets the fewest texts pass by the bound, then at best; the lowest of equal ones."""
    return min(taught, key=lambda one: (one.judgement.mean_certified, one.judgement.mean_passed, one.plan.seed))

"""What a student's seed was found to be worth on held-out texts, kept beside the seed's folder."""

from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.errors import TornRecordError
from tasks.core.base.formats import FileFormat, read_record
from tasks.core.base.naming import judgement_file
from tasks.core.distillation.rank_terms import PassShare
from tasks.core.distillation.student_plan import StudentPlan
from tasks.core.round.distillation_section import Distillation
from tasks.core.training.seeds.seed_plan import SeedPlan, SeedResult


@dataclass(frozen=True)
class Judgement:
    """What a student's seed is worth on the held-out texts."""

    seed: int
    config_hash: str
    recall: float
    tops: list[float]
    shares: list[dict[str, float | int | str]]
    """Each top of each label has what must pass to keep it."""
    texts_per_core_second: float
    """The student's checkpoint scored so many texts a second on a core, in PyTorch and fp32."""

    def passed(self) -> list[PassShare]:
        """Return the shares as what they are."""
        return [PassShare(**share) for share in self.shares]  # type: ignore[arg-type]

    @property
    def mean_passed(self) -> float:
        """What passes on average over labels and tops: by this, students are told apart."""
        return sum(share.passed_share for share in self.passed()) / len(self.shares)


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
    return found if (found.recall, found.tops) == (settings.recall, list(settings.tops)) else None


def judgement_path(student: StudentPlan, plan: SeedPlan) -> Path:
    """Return where a seed's judgement lies."""
    return Path(plan.root) / judgement_file(plan.seed, plan.config_hash, student.heldout.digest)


def choose_seed(taught: list[TaughtSeed]) -> TaughtSeed:
    """Return the seed that lets the fewest texts pass, the lowest of equal ones."""
    return min(taught, key=lambda one: (one.judgement.mean_passed, one.plan.seed))

"""Teach a student's seed and judge it, once: files in, a folder and a judgement out.

Writes  what tasks.core.training.seeds.train_seed writes, and beside the seed's folder its judgement, last
"""

from dataclasses import asdict

from tasks.core.base.formats import write_record
from tasks.core.distillation.judgement import (
    JUDGEMENT,
    Judgement,
    TaughtSeed,
    judgement_path,
    read_judgement,
    shared_confidence,
)
from tasks.core.distillation.model_scores import checkpoint_scores
from tasks.core.distillation.rank_terms import judge
from tasks.core.distillation.student_plan import StudentPlan
from tasks.core.round.distillation_section import Distillation
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.seeds.train_seed import train_seed
from tasks.core.training.trainer.steps import Pace, Report


def teach_seed(
    student: StudentPlan, plan: SeedPlan, settings: Distillation, report: Report, pace: Pace | None = None
) -> TaughtSeed:
    """Train a seed and judge it, or return what stands; `report` hears of every evaluation either way."""
    result = train_seed(plan, report, pace)
    return TaughtSeed(plan, result, read_judgement(student, plan, settings) or _judge(student, plan, settings))


def _judge(student: StudentPlan, plan: SeedPlan, settings: Distillation) -> Judgement:
    heldout = student.heldout.read(student.labels)
    own = checkpoint_scores(plan.folder, heldout.texts)
    confidence = shared_confidence(settings)
    shares = judge(heldout.targets, own.scores, student.labels, settings.tops, settings.recall, confidence)
    judgement = Judgement(
        seed=plan.seed,
        config_hash=plan.config_hash,
        recall=settings.recall,
        confidence=confidence,
        tops=list(settings.tops),
        shares=[share.record() for share in shares],
        texts_per_core_second=own.texts_per_core_second,
    )
    write_record(judgement_path(student, plan), JUDGEMENT, asdict(judgement))
    return judgement

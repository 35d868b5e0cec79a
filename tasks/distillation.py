"""Distillation as Prefect tasks: the round's seeds made experts, students planned, taught, registered."""

from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_table
from tasks.core.base.errors import RoundFileError, TrainingError
from tasks.core.base.naming.artifact_names import JUDGED_ON_ARTIFACT, SCREENS_ARTIFACT, STUDENTS_ARTIFACT, artifact_key
from tasks.core.base.naming.file_names import STUDENTS_TABLE
from tasks.core.base.naming.work_places import lessons_folder, models_folder
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.distillation.expert_scores import ExpertRunFolder
from tasks.core.distillation.judgement import TaughtSeed, choose_seed, read_judgement
from tasks.core.distillation.lessons import Pupil, ask_teacher, open_experts, plan_pupil, pupils_of
from tasks.core.distillation.rank_terms import PassShare
from tasks.core.distillation.student_plan import StudentPlan
from tasks.core.distillation.student_rows import labelled_rows
from tasks.core.metrics.heads import class_names
from tasks.core.round.distillation_section import Distillation
from tasks.core.round.model import Round
from tasks.core.training.seeds.seed_plan import SeedPlan, read_result
from tasks.core.training.trainer.workspace import has_begun
from tasks.records.base_model_versions import fetch_base_model
from tasks.records.registry import RegisteredVersion, fetch_folder, resolve
from tasks.records.student_runs import log_student, register_taught, registered_student
from tasks.retrying import RETRIED
from tasks.seed_story import SeedStory
from tasks.story import say, warn

STUDENT_COLUMNS = ("label", "Models", "AP", "F1", "texts/s a core")
"""The table of students shows these; MLflow's has more."""


@dataclass(frozen=True)
class Taught:
    """A student, its seeds, and the version that it is registered as."""

    student: StudentPlan
    seeds: list[TaughtSeed]
    version: RegisteredVersion
    table: list[dict[str, str]]


def require_section(round_: Round) -> Distillation:
    """Return the round's section of distillation.

    Raises:
        RoundFileError: it has none.
    """
    if round_.distillation is None:
        raise RoundFileError(
            f"the round {round_.name} has no section `distillation`, so there is no student to teach; "
            "`distillation: {}` takes every default"
        )
    return round_.distillation


@task(task_run_name="plan-students", cache_policy=NO_CACHE, persist_result=False)
def plan_students(
    round_: Round, studies: list[LabelledSplits], runs: list[Path]
) -> tuple[list[StudentPlan], list[ExpertRunFolder]]:
    """Ask the experts, draw the students' texts, and make what they start from."""
    settings = require_section(round_)
    experts = open_experts(round_, settings, runs)
    say(f"{len(experts)} experts: {', '.join(expert.name for expert in experts)}")
    teacher = ask_teacher(round_, experts)
    pupils = pupils_of(round_, settings, studies)
    return [plan_pupil(round_, pupil, teacher, experts, _base_of(round_, pupil, experts)) for pupil in pupils], experts


def _base_of(round_: Round, pupil: Pupil, experts: list[ExpertRunFolder]) -> str:
    """Make the folder that a student starts from, and warn of one that is larger than its teacher."""
    from tasks.core.distillation.student_base import (  # noqa: PLC0415 - torch only where it is used
        larger_than_its_teacher,
        make_base,
    )

    settings = require_section(round_)
    if settings.student.start == "expert":
        label = pupil.labels[0]
        selected = resolve(round_.registered_model(label), round_.checkpoint_alias, label, f"training/{round_.name}")
        source = str(fetch_folder(selected, models_folder(round_.work_path)))
    else:
        source = fetch_base_model(settings.student.base_model or round_.base_model, round_.work_path)
    classes = class_names(pupil.head, pupil.labels)
    base = make_base(settings.student, Path(source), round_.work_path, classes, settings.draw_seed)
    warning = larger_than_its_teacher(base, experts)
    if warning is not None:
        warn(f"{pupil.study}: {warning}")
    return str(base)


def untaught_seeds(round_: Round, students: list[StudentPlan]) -> dict[str, tuple[StudentPlan, SeedPlan]]:
    """Return the seeds that still have to be trained or judged, by name."""
    settings = require_section(round_)
    return {
        f"{plan.study} seed {plan.seed}": (student, plan)
        for student in students
        for plan in student.seeds
        if read_result(plan) is None or read_judgement(student, plan, settings) is None
    }


@task(task_run_name="teach-{plan.study}-seed-{plan.seed}", **RETRIED)
def teach_one_seed(student: StudentPlan, plan: SeedPlan, settings: Distillation) -> None:
    """Train a student's seed on a worker and judge it; what is finished is not done again."""
    from tasks.core.distillation.teach import teach_seed  # noqa: PLC0415 - torch only where it is used

    story = SeedStory(plan, [other.seed for other in student.seeds])
    story.begins(anew=not has_begun(plan.folder))
    story.ends(teach_seed(student, plan, settings, story.evaluated, story.stepped).result)


@task(task_run_name="register-{student.taught.study}", cache_policy=NO_CACHE, persist_result=False)
def register_student(round_: Round, student: StudentPlan, experts: list[ExpertRunFolder]) -> Taught:
    """Compare a student with its experts, and register its best seed under the round's alias, unless it is there."""
    from tasks.core.distillation.student_table import compare_student  # noqa: PLC0415 - sklearn and engines

    settings = require_section(round_)
    seeds = [_read_taught(student, plan, settings) for plan in student.seeds]
    chosen = choose_seed(seeds)
    table = compare_student(student, seeds, experts)
    for model, reason in table.left_out.items():
        warn(f"{student.taught.study} is compared without {model}: {reason}")
    version = registered_student(round_, student, chosen)
    if version is None:
        run_id = log_student(round_, student, seeds, table.table())
        version = register_taught(round_, student, chosen, run_id)
    say(f"{student.taught.study}: seed {chosen.plan.seed} is {version.name} version {version.version}")
    return Taught(student, seeds, version, table.table())


def _read_taught(student: StudentPlan, plan: SeedPlan, settings: Distillation) -> TaughtSeed:
    result, judgement = read_result(plan), read_judgement(student, plan, settings)
    if result is None or judgement is None:
        raise TrainingError(f"'{plan.study}' seed {plan.seed} is not taught; run the distillation flow again")
    return TaughtSeed(plan, result, judgement)


def publish_students(round_: Round, taught: list[Taught]) -> None:
    """Leave the students' results, and what passes a screen by each of their seeds, as tables in the Prefect UI."""
    name = round_.name
    leave_table(
        artifact_key(name, STUDENTS_ARTIFACT),
        [{column: row[column] for column in STUDENT_COLUMNS} for one in taught for row in one.table],
        f"Students of {name} beside their experts on the test rows, per cent: mean (standard deviation); a student's "
        f"speed is its checkpoint's in PyTorch, an expert's its engine model's. Precision and recall: "
        f"`{STUDENTS_TABLE}` of the student's run on MLflow",
    )
    leave_table(
        artifact_key(name, SCREENS_ARTIFACT),
        [row for one in taught for row in screen_rows(one)],
        f"What must pass a screen by each student of {name} to keep its experts' best held-out texts: at best, which "
        "says nothing of other texts, and as is certified for those of its sample",
    )
    about = f"What the screens by each student of {name} were judged on"
    leave_table(artifact_key(name, JUDGED_ON_ARTIFACT), [row for one in taught for row in judged_rows(one)], about)


def screen_rows(taught: Taught) -> list[dict[str, str | int]]:
    """Return a row for each seed, label and top, the registered seed marked."""
    registered = int(taught.version.tags["seed"])
    return [
        {
            "registered": f"version {taught.version.version}" if one.plan.seed == registered else "",
            "label": share.label,
            "seed": one.plan.seed,
            "keeps": _kept(share),
            "passes, certified": _certified(share),
            "passes at best": f"{100 * share.passed_share:.2f} %",
        }
        for one in taught.seeds
        for share in one.judgement.passed()
    ]


def judged_rows(taught: Taught) -> list[dict[str, str | int]]:
    """Return a row for each seed, label and top: how many texts the shares that pass were found on."""
    return [
        {
            "label": share.label,
            "seed": one.plan.seed,
            "keeps": _kept(share),
            "best texts": share.best_texts,
            "confidence": f"{100 * one.judgement.confidence:.4g} %",
            "student": taught.version.name,
        }
        for one in taught.seeds
        for share in one.judgement.passed()
    ]


def _kept(share: PassShare) -> str:
    return f"{100 * share.recall:g} % of the best {100 * share.top_share:g} %"


def _certified(share: PassShare) -> str:
    if share.certified_misses is None:
        return f"all: a bound needs {share.best_texts_needed} best texts; raise heldout_texts"
    return f"{100 * share.certified_share:.2f} %"


@task(task_run_name="prepare-students", cache_policy=NO_CACHE, persist_result=False)
def prepare_students(round_: Round, studies: list[LabelledSplits]) -> list[LabelledSplits]:
    """Return people's labels of each student as splits, which conversion compares on."""
    folder = lessons_folder(round_.work_path, round_.name)
    pupils = pupils_of(round_, require_section(round_), studies)
    rows = [labelled_rows(pupil.studies, pupil.labels, pupil.head, pupil.study) for pupil in pupils]
    return [own.write(folder, hard=False) for own in rows]

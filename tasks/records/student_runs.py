"""A student in MLflow: a run with its settings, judgement and table, and a registered version of its checkpoint."""

from prefect.runtime import flow_run

from tasks.core.base.code_version import code_version
from tasks.core.base.markdown import markdown_table
from tasks.core.base.naming.file_names import JUDGEMENTS_FILE, STUDENTS_TABLE
from tasks.core.base.naming.round_names import STUDENT_NAME
from tasks.core.base.naming.work_places import models_folder
from tasks.core.distillation.judgement import TaughtSeed, choose_seed
from tasks.core.distillation.student_plan import StudentPlan
from tasks.core.round.model import Round
from tasks.core.training.base_models.hub_model import source_of
from tasks.core.training.seeds.seed_plan import UNDECISIVE, verify_checkpoint
from tasks.records.checkpoint_versions import upload_checkpoint
from tasks.records.registry import RegisteredVersion, find_own_version, register_version
from tasks.records.tracked_run import HASH_TAG, KIND_TAG
from tasks.records.tracking import create_run, ended_by_outcome

KIND = "student"


def registered_student(round_: Round, student: StudentPlan, chosen: TaughtSeed) -> RegisteredVersion | None:
    """Return the registered version that this very seed is, or None."""
    models = models_folder(round_.work_path)
    found = find_own_version(round_.student_model(student.taught.study), round_.checkpoint_alias, models)
    wanted = _identity(student, chosen)
    return found if found is not None and wanted.items() <= found.tags.items() else None


def log_student(round_: Round, student: StudentPlan, seeds: list[TaughtSeed], table: list[dict[str, str]]) -> str:
    """Leave what a student was taught, and what it is worth, on a run of its own, and return the run's id."""
    chosen = choose_seed(seeds)
    tags = round_.tags(student.label or STUDENT_NAME) | {
        KIND_TAG: KIND,
        HASH_TAG: chosen.plan.config_hash,
        "winnow.data_digest": student.labelled.digest,
        "winnow.teacher_digest": student.teacher_digest,
        "prefect.flow_run_id": flow_run.root_flow_run_id or "",
    }
    run = create_run(round_.name, student.taught.study, tags | code_version())
    with ended_by_outcome(run):
        settings = chosen.plan.training.model_dump(mode="json", exclude=UNDECISIVE)
        counts = {f"{split}_rows": rows for split, rows in student.taught.rows.items()}
        run.log_parameters(
            {"base_model": source_of(chosen.plan.base_model), "seed": chosen.plan.seed} | settings | counts
        )
        for figures in chosen.result.evaluations:
            points = {name: value for name, value in figures.items() if name not in {"epoch", "step"}}
            run.log_figures(points, step=int(figures["step"]), prefix="curve_")
        run.log_figures(chosen.result.metrics)
        run.log_figures(screen_figures(chosen), prefix="screen/")
        run.log_text(STUDENTS_TABLE, markdown_table(table))
        judgements = [vars(one.judgement) for one in seeds]
        run.log_json(JUDGEMENTS_FILE, {"experts": student.experts, "judgements": judgements})
    return run.run_id


def screen_figures(chosen: TaughtSeed) -> dict[str, float]:
    """Return what passes a screen by the student, each top of each label as a figure of its own."""
    figures: dict[str, float] = {}
    for share in chosen.judgement.passed():
        name = f"top_{100 * share.top_share:g}_per_cent.{share.label}"
        figures |= {f"passes_{name}": share.passed_share, f"certified_{name}": share.certified_share}
    return figures


def register_taught(round_: Round, student: StudentPlan, chosen: TaughtSeed, run_id: str) -> RegisteredVersion:
    """Register a student's seed under the round's alias.

    Raises:
        ModelFolderError: its checkpoint is not what training wrote.
    """
    verify_checkpoint(chosen.plan.folder, chosen.result.checkpoint_sha256)
    uploaded = upload_checkpoint(chosen.plan.folder, chosen.result.checkpoint_sha256, run_id)
    figures = {name: f"{value:.4g}" for name, value in screen_figures(chosen).items()}
    tags = round_.tags(student.label or STUDENT_NAME) | _identity(student, chosen) | figures
    tags |= {
        "head": student.taught.head,
        "experts": ",".join(str(len(own)) for own in student.experts.values()),
        "validation_average_precision": repr(chosen.result.metrics["validation_average_precision"]),
    }
    name = round_.student_model(student.taught.study)
    return register_version(name, round_.checkpoint_alias, uploaded, tags, models_folder(round_.work_path))


def _identity(student: StudentPlan, chosen: TaughtSeed) -> dict[str, str]:
    """Return what tells a registered student from every other."""
    return {
        "kind": KIND,
        "seed": str(chosen.plan.seed),
        "config_hash": chosen.plan.config_hash,
        "data_digest": student.labelled.digest,
        "teacher_digest": student.teacher_digest,
    }

"""Seeds score the sample -> their mean teaches small students -> judged, compared, registered."""

import time
from pathlib import Path

from flows.inference import score_shards
from flows.names import place_of, place_of_run
from flows.round_flow import below, round_flow, side_by_side
from infra.cluster import task_runner
from infra.clusters.profiles import read_profile, worker_count
from infra.fan_out import run_all
from tasks.core.base.naming.round_names import seed_run
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.distillation.student_plan import StudentPlan
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.distillation_section import Distillation
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.runs.launch_lock import launch_lock
from tasks.core.runs.manifest import Launch
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.distillation import (
    plan_students,
    publish_students,
    register_student,
    require_section,
    teach_one_seed,
    untaught_seeds,
)
from tasks.inference import find_unfinished, finish_run, plan_run, without_screening
from tasks.lineage import trace_students
from tasks.links import add_link, begin_links
from tasks.seed_experts import SeedExpert, convert_expert, engines_by_seed, plan_seed_experts
from tasks.training import prepare_data


@round_flow("distillation")
def distillation(round_file: str, cluster: str | None = None) -> None:
    """Teach small students what the experts think on average, judge them, register the best seed of each.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        cluster: Cluster profile to use instead of the round's.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    round_.require_own_models()
    settings = require_section(round_)
    studies = [prepare_data(round_, name, labels) for name, labels in round_.studies.items()]
    runs = [] if settings.experts else score_with_seeds(round_, settings, studies, cluster)
    students, experts = plan_students(round_, studies, runs)
    teach_students(round_, settings, students, cluster)
    taught = [register_student(round_, student, experts) for student in students]
    publish_students(round_, taught)
    trace_students(round_, [one.version for one in taught])


def score_with_seeds(
    round_: Round, settings: Distillation, studies: list[LabelledSplits], cluster: str | None
) -> list[Path]:
    """Convert every seed and score the sample with each; what is converted or scored stays; return the run folders."""
    experts = plan_seed_experts(round_, studies)
    profile = read_profile(cluster or round_.clusters.conversion)
    runner = task_runner(profile, place_of(round_, "distillation"))
    convert = below("experts", convert_experts, runner, round_)
    uses = engines_by_seed(round_, convert(experts, profile.lost_worker_attempts))
    return [score_sample(round_, settings, seed, engines, cluster) for seed, engines in uses.items()]


def score_sample(
    round_: Round, settings: Distillation, seed: int, engines: list[EngineUse], cluster: str | None
) -> Path:
    """Score the sample with the engine models of a seed, as the inference flow does, and return the run folder."""
    round_ = without_screening(round_)
    plan, folder = plan_run(round_, settings.sample, seed_run(seed), None, engines)
    add_link(f"scores of seed {seed}", folder.path)
    with launch_lock(folder.path) as token:
        started, rows = time.monotonic(), 0
        if find_unfinished(plan, folder):
            profile = read_profile(cluster or round_.clusters.inference)
            runner = task_runner(profile, place_of_run(round_, folder))
            score = below(f"seed {seed}", score_shards, runner, round_)
            workers, attempts = worker_count(profile), profile.lost_worker_attempts
            rows = score(round_, str(folder.path), token, False, workers, attempts)
        finish_run(plan, folder, Launch(rows, round(time.monotonic() - started, 1)))
    return folder.path


def teach_students(round_: Round, settings: Distillation, students: list[StudentPlan], cluster: str | None) -> None:
    """Train and judge on the cluster what is not yet."""
    untaught = untaught_seeds(round_, students)
    if untaught:
        profile = read_profile(cluster or round_.clusters.training)
        runner = task_runner(profile, place_of(round_, "distillation"))
        teach = below("students", teach_seeds, runner, round_)
        teach(untaught, settings, profile.lost_worker_attempts)


@side_by_side("convert-experts")
def convert_experts(experts: list[SeedExpert], attempts: int) -> list[tuple[SeedExpert, dict[str, EngineModel]]]:
    """Convert the seeds side by side."""
    named = {expert.name: expert for expert in experts}
    converted = run_all(lambda name: convert_expert.submit(named[name]), named, attempts)
    return [(expert, converted[name]) for name, expert in named.items()]


@side_by_side("teach-students")
def teach_seeds(untaught: dict[str, tuple[StudentPlan, SeedPlan]], settings: Distillation, attempts: int) -> None:
    """Teach the seeds of all students side by side."""
    run_all(lambda name: teach_one_seed.submit(*untaught[name], settings), untaught, attempts)

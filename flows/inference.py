"""Sample + engine models -> plan -> shards scored on Dask -> a manifest whose row counts balance."""

import time
from pathlib import Path
from typing import Annotated

from pydantic import Field

from flows.names import place_of_run
from flows.round_flow import below, round_flow, side_by_side, tagged
from flows.screening import FanOut, screen_pool
from infra.cluster import task_runner
from infra.clusters.profiles import read_profile, with_resources, worker_count
from infra.fan_out import run_all
from tasks.core.inference.certified import is_ready
from tasks.core.inference.estimate import estimate
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import launch_lock
from tasks.core.runs.manifest import Launch
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.resources import write_resources
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.inference import (
    fetch_engine,
    fetch_student,
    find_unfinished,
    finish_run,
    get_sample,
    group_shards,
    plan_run,
    publish_estimate,
    publish_run_table,
    publish_screening,
    wants_full_scores,
    without_screening,
)
from tasks.lineage import trace_run
from tasks.links import add_link, begin_links
from tasks.progress import Progress, start_progress
from tasks.report import publish_best_texts, publish_report
from tasks.shards import measure_run, score_block

RunName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=60)]


@round_flow("inference")
def inference(  # noqa: PLR0913 - Prefect merges nested parameters shallowly, so what people override is flat
    round_file: str,
    *,
    sample: str = "evaluation",
    run_name: RunName = "main",
    limit: Annotated[int, Field(ge=1)] | None = None,
    dry_run: bool = False,
    cluster: str | None = None,
    memory_gib: Annotated[float, Field(gt=0)] | None = None,
    walltime_minutes: Annotated[int, Field(ge=2)] | None = None,
    run_id: str | None = None,
    screened: bool = True,
) -> None:
    """Score a sample with every label's engine model; a run that was interrupted goes on where it stopped.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        sample: Which of the round's samples to score.
        run_name: What the run is called, such as trial; the second part of its folder's name.
        limit: Score only so many rows: a trial, which is a run of its own.
        dry_run: Fetch the models, write the plan and estimate the cost on a worker, then stop.
        cluster: Cluster profile to use instead of the round's.
        memory_gib: Memory of a SLURM job, instead of the profile's.
        walltime_minutes: Time limit of a SLURM job, instead of the profile's.
        run_id: Go on with this run or fail; without it, changed models or inputs begin another.
        screened: Screen as the round says; false scores every text.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    round_ = round_ if screened else without_screening(round_)
    get_sample(round_, sample)
    engines = [fetch_engine(round_, label) for label in round_.active_labels]
    screening = round_.inference.screening
    students = [fetch_student(round_, label) for label in round_.active_labels if screening and screening.student]
    plan, folder = plan_run(round_, sample, run_name, limit, engines, run_id, students)
    add_link("run folder", folder.path)
    with launch_lock(folder.path) as token:
        started, rows = time.monotonic(), 0
        unfinished = find_unfinished(plan, folder, dry_run)
        if not dry_run:
            asked = {"cluster": cluster, "memory_gib": memory_gib, "walltime_minutes": walltime_minutes}
            asked |= {"screened": None if screened else False}
            write_resources(folder, asked)
        if unfinished or not is_ready(plan, folder):
            profile = read_profile(cluster or round_.clusters.inference)
            profile = with_resources(profile, memory_gib, walltime_minutes)
            runner = task_runner(profile, place_of_run(round_, folder))
            score = below("shards", score_shards, runner, round_)
            workers, attempts = worker_count(profile), profile.lost_worker_attempts
            rows = score(round_, str(folder.path), token, dry_run, workers, attempts)
        if dry_run:
            return
        manifest = finish_run(plan, folder, Launch(rows, round(time.monotonic() - started, 1)))
        publish_run_table(round_, plan, folder, manifest)
        publish_screening(round_, plan, folder, manifest)
        publish_best_texts(round_, plan, folder)
        trace_run(round_, plan, folder)
    publish_report(round_, run_name, sample)
    if wants_full_scores(round_, manifest):
        with tagged(round_, "inference"):
            inference(
                round_file,
                sample=sample,
                run_name=run_name,
                limit=limit,
                cluster=cluster,
                memory_gib=memory_gib,
                walltime_minutes=walltime_minutes,
                screened=False,
            )


@side_by_side("score-shards")
def score_shards(round_: Round, run_folder: str, token: str, dry_run: bool, workers: int | None, attempts: int) -> int:
    """Estimate the cost, score the unfinished shards side by side, and return how many rows were scored.

    The workers join the launch of this token: once it is taken over, what they do does not count.
    """
    folder = RunFolder(Path(run_folder))
    plan = read_plan(folder)
    if dry_run or not is_ready(plan, folder):
        publish_cost(round_, plan, folder, workers, attempts)
    if dry_run:
        return 0
    screen_pool(round_, plan, folder, token, FanOut(workers, attempts))
    shards = unfinished_shards(plan, folder)
    if not shards:
        return 0
    publish_cost(round_, plan, folder, workers, attempts)
    progress = Progress(start_progress(round_, plan, folder), plan, folder, shards)
    blocks = group_shards(shards, workers)
    scored = run_all(lambda block: score_block.submit(run_folder, block, token), blocks, attempts, progress.update)
    progress.update(last=True)
    return sum(scored.values())


def publish_cost(round_: Round, plan: Plan, folder: RunFolder, workers: int | None, attempts: int) -> None:
    """Measure a few batches on a worker, and say what the unfinished shards will cost."""
    shards, path = unfinished_shards(plan, folder), str(folder.path)
    if shards:
        middle = shards[len(shards) // 2]
        measured = run_all(lambda _: measure_run.submit(path, middle), ["measure"], attempts)["measure"]
        publish_estimate(round_, plan, folder, estimate(plan, folder, shards, measured, workers))

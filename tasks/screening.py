"""Screening a pool as Prefect tasks on workers: draws, and the certificate that follows from their scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.logging import get_run_logger

from tasks.core.base.naming import CERTIFICATE_ARTIFACT, artifact_key
from tasks.core.base.parquet import read_footer
from tasks.core.inference.certified import find_certificate, is_ready
from tasks.core.inference.certifying import certify_off, certify_run, read_drawn, too_few, top_texts
from tasks.core.inference.pool_draws import (
    DrawsRun,
    Generation,
    draw_shard,
    drawn_path,
    draws_of,
    plan_of_draws,
    planned_sizes,
    promise_of,
)
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import joined
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan
from tasks.core.screening.certificate import Certificate
from tasks.core.screening.draw_sizes import DrawSizes, grow
from tasks.retrying import RETRIED


@dataclass(frozen=True)
class Certified:
    """What became of an attempt to certify: a certificate, or larger draws that it needs first."""

    certificate: Certificate | None
    sizes: DrawSizes


def is_certified(plan: Plan, folder: RunFolder) -> bool:
    """Say whether the run's screening is fitted and certified, draws and all; a run without screening needs nothing."""
    return is_ready(plan, folder)


def standing_certificate(plan: Plan, folder: RunFolder) -> Certificate | None:
    """Return the certificate of a screened run that has one."""
    return None if plan.inputs.screening is None else find_certificate(plan, folder)


def first_generation(plan: Plan) -> tuple[DrawSizes, Generation]:
    """Return how large the draws are at first, and which rows they are."""
    sizes = planned_sizes(plan)
    return sizes, Generation(0, draws_of(plan, sizes))


def screen_nothing(plan: Plan, folder: RunFolder, why: str) -> Certificate:
    """Certify that every text goes to the experts, and why."""
    return certify_off(plan, folder, why)


def plan_draws(plan: Plan, folder: RunFolder, generation: Generation) -> tuple[Plan, RunFolder]:
    """Return the run that scores what was drawn up to a generation: its plan and its folder."""
    return plan_of_draws(plan, folder, generation.number)


def count_drawn(plan: Plan, folder: RunFolder, generation: Generation) -> int:
    """Return how many rows were drawn up to a generation."""
    paths = (
        drawn_path(folder, number, shard.number) for number in range(generation.number + 1) for shard in plan.shards
    )
    return sum(read_footer(path)[0].num_rows for path in paths)


def next_generation(plan: Plan, sizes: DrawSizes, before: Generation) -> Generation:
    """Return what the calibration draw grows by."""
    return Generation(before.number + 1, draws_of(plan, sizes), before.draws)


@task(task_run_name="draw-from-{shards[0]}", **RETRIED)
def draw_block(run_folder: str, shards: tuple[int, ...], generation: Generation, token: str) -> None:
    """Write the drawn rows of a block's shards, for the launch of that token."""
    folder = RunFolder(Path(run_folder))
    with joined(folder.path, token):
        plan = read_plan(folder)
        for number in shards:
            draw_shard(plan, plan.shards[number], folder, generation)


@task(task_run_name="certify", **RETRIED)
def certify(run_folder: str, sizes: DrawSizes, generation: Generation, token: str) -> Certified:
    """Fit the first stage and certify, or say how much larger the calibration draw must be for the bound."""
    folder = RunFolder(Path(run_folder))
    with joined(folder.path, token):
        plan = read_plan(folder)
        run = DrawsRun(*plan_of_draws(plan, folder, generation.number), folder)
        drawn = read_drawn(run, len(plan.shards))
        if why := too_few(drawn):
            return Certified(certify_off(plan, folder, why), sizes)
        grown = grow(sizes, plan.rows, promise_of(plan), top_texts(plan, drawn))
        if not grown.off and grown != sizes:
            return Certified(None, grown)
        return Certified(certify_run(plan, folder, run, generation.draws, drawn), sizes)


def publish_certificate(round_: Round, plan: Plan, certificate: Certificate) -> None:
    """Say in log and Prefect UI what the screening promises of each label, or why one is not screened."""
    rows: list[dict[str, Any]] = []
    for label, said in certificate.labels.items():
        get_run_logger().info("%s: %s", label, said.off or said.promise)
        passed = 1.0 if said.off else said.reaching[-1]
        rows.append({"label": label, "passes": f"{passed:.2%}", "promise": said.off or said.promise})
    create_table_artifact(
        key=artifact_key(round_.name, plan.sample_name, CERTIFICATE_ARTIFACT),
        table=rows,
        description=f"What the screening of run {plan.run_id} promises, and the share that reaches each expert",
    )

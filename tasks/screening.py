"""Screening a pool as Prefect tasks on workers: draws, and the certificate that follows from their scores."""

from pathlib import Path
from typing import Any

from prefect import task

from tasks.artifacts import leave_table_above
from tasks.core.base.naming.artifact_names import CERTIFICATE_ARTIFACT
from tasks.core.inference.certifying import Certified, certify_or_grow
from tasks.core.inference.pool_draws import Generation, draw_shard
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import joined
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan
from tasks.core.screening.certificate import Certificate
from tasks.core.screening.draw_sizes import DrawSizes
from tasks.core.screening.draws import FIT
from tasks.inference import key_of
from tasks.retrying import RETRIED
from tasks.story import say, warn


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
        return certify_or_grow(read_plan(folder), folder, sizes, generation)


def publish_certificate(round_: Round, plan: Plan, folder: RunFolder, certificate: Certificate) -> None:
    """Say in log and Prefect UI what the screening promises of each label, or why one is not screened."""
    rows: list[dict[str, Any]] = []
    if certificate.fitted_texts < certificate.drawn.get(FIT, 0):
        warn(
            "texts are long: the first stage is fitted to an even part of the fitting draw, "
            f"{certificate.fitted_texts} of {certificate.drawn[FIT]}, as many as fit in memory; it may pass more texts "
            "for it, and what is promised holds as well"
        )
    for label, said in certificate.labels.items():
        say(f"{label}: {said.off or said.promise}")
        passed = 1.0 if said.off else said.reaching[-1]
        rows.append({"label": label, "passes": f"{passed:.2%}", "promise": said.off or said.promise})
    leave_table_above(
        key_of(round_, plan, folder, CERTIFICATE_ARTIFACT),
        rows,
        f"What the screening of run {plan.run_id} promises, and the share that reaches each expert",
    )

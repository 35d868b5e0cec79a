"""A run's draws -> the experts' scores of them -> the first stage and its certificate."""

import time
from dataclasses import dataclass

from infra.fan_out import run_all
from tasks.core.inference.certified import find_certificate, is_ready
from tasks.core.inference.certifying import NOTHING_DRAWN, Certified, certify_off
from tasks.core.inference.draws_run import plan_of_draws
from tasks.core.inference.pool_draws import Generation, count_drawn, first_generation
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import launch_lock
from tasks.core.runs.manifest import Launch
from tasks.core.runs.plan import Plan
from tasks.core.screening.draw_sizes import DrawSizes
from tasks.inference import find_unfinished, finish_run, group_shards
from tasks.progress import Progress, start_draws_progress
from tasks.screening import certify, draw_block, publish_certificate
from tasks.shards import score_block


@dataclass(frozen=True)
class FanOut:
    """How work is spread over a cluster's workers."""

    workers: int | None
    attempts: int


def screen_pool(round_: Round, plan: Plan, folder: RunFolder, token: str, fan_out: FanOut) -> None:
    """Draw, have the experts score the draws, fit the first stage and certify it; a draw that is short grows.

    Call it in a flow with a task runner. A run without screening, or with a certificate, needs nothing.
    """
    if plan.inputs.screening is None:
        return
    certificate = find_certificate(plan, folder) if is_ready(plan, folder) else None
    sizes, generation = first_generation(plan)
    if certificate is None and sizes.off:
        certificate = certify_off(plan, folder, sizes.off)
    while certificate is None:
        _draw(plan, folder, generation, token, fan_out)
        if not count_drawn(plan, folder, generation):
            certificate = certify_off(plan, folder, NOTHING_DRAWN)
            break
        _score_draws(round_, plan, folder, generation, fan_out)
        certified = _certify(folder, sizes, generation, token, fan_out)
        certificate, sizes = certified.certificate, certified.sizes
        generation = generation.grown(plan, sizes)
    publish_certificate(round_, plan, folder, certificate)


def _draw(plan: Plan, folder: RunFolder, generation: Generation, token: str, fan_out: FanOut) -> None:
    blocks, path = group_shards([shard.number for shard in plan.shards], fan_out.workers), str(folder.path)
    run_all(lambda block: draw_block.submit(path, block, generation, token), blocks, fan_out.attempts)


def _certify(folder: RunFolder, sizes: DrawSizes, generation: Generation, token: str, fan_out: FanOut) -> Certified:
    path = str(folder.path)
    found = run_all(lambda _: certify.submit(path, sizes, generation, token), ["certify"], fan_out.attempts)
    certified: Certified = found["certify"]
    return certified


def _score_draws(round_: Round, plan: Plan, folder: RunFolder, generation: Generation, fan_out: FanOut) -> None:
    """Score the drawn rows as a run of their own."""
    draws, place = plan_of_draws(plan, folder, generation)
    with launch_lock(place.path) as token:
        started, rows = time.monotonic(), 0
        if find_unfinished(draws, place):
            shards = [shard.number for shard in draws.shards]
            artifact = start_draws_progress(round_, (plan, folder), (draws, place))
            progress = Progress(artifact, draws, place, shards)
            blocks, path = group_shards(shards, fan_out.workers), str(place.path)
            scored = run_all(
                lambda block: score_block.submit(path, block, token), blocks, fan_out.attempts, progress.update
            )
            rows = sum(scored.values())
            progress.update(last=True)
        finish_run(draws, place, Launch(rows, round(time.monotonic() - started, 1)))

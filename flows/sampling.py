"""Stored scores -> each label's draws -> the next labelling batch, without what was labelled before."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from flows.inference import RunName
from flows.names import place_of
from flows.round_flow import below, round_flow, side_by_side
from infra.cluster import task_runner
from infra.clusters.profiles import read_profile
from infra.fan_out import run_all
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.sampling.batch_request import SamplingRequest
from tasks.core.sampling.label_draws import LabelDraws
from tasks.lineage import trace_batch
from tasks.links import add_link, begin_links
from tasks.report import publish_report
from tasks.sampling import draw_of_label, find_drawn, plan_batch, publish_batch, write_drawn


@round_flow("sampling")
def sampling(
    round_file: str,
    *,
    run_name: RunName = "main",
    run_folder: str | None = None,
    random_state: Annotated[int, Field(ge=0, lt=2**32)] | None = None,
    cluster: str | None = None,
) -> None:
    """Draw the texts that are worth labelling next; a batch that was drawn already is left as it is.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        run_name: Draw from the newest finished run of this name.
        run_folder: Draw from this run folder instead.
        random_state: Draw by this number instead of the round's: another batch from the same scores.
        cluster: Cluster profile to use instead of the round's.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    request = plan_batch(round_, run_name, run_folder, random_state)
    add_link("run folder", Path(request.run_folder))
    batch = find_drawn(round_, request)
    if batch is None:
        profile = read_profile(cluster or round_.clusters.sampling)
        runner = task_runner(profile, place_of(round_, "sampling"))
        draw = below("draws", draw_labels, runner, round_)
        batch = write_drawn(round_, request, draw(round_, request, profile.lost_worker_attempts))
    add_link("batch's folder", batch.folder)
    publish_batch(round_, batch)
    trace_batch(round_, batch)
    publish_report(round_, run_name, request.sample)


@side_by_side("draw-labels")
def draw_labels(round_: Round, request: SamplingRequest, attempts: int) -> list[LabelDraws]:
    """Draw the texts of all labels side by side."""
    drawn = run_all(lambda label: draw_of_label.submit(round_, request, label), request.labels, attempts)
    return [drawn[label] for label in request.labels]

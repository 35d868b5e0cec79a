"""Finished runs -> a version in Redis, loaded by many workers, counted, shown at once; older ones removed."""

from collections.abc import Sequence

from prefect import State
from prefect.states import Completed

from flows.inference import RunName
from flows.names import place_of
from flows.round_flow import below, round_flow, side_by_side
from infra.cluster import task_runner
from infra.clusters.profiles import read_profile, worker_count
from infra.fan_out import run_all
from tasks.core.publishing.publication import Publication
from tasks.core.round.round_file import read_round
from tasks.lineage import trace_publication
from tasks.links import add_link, begin_links
from tasks.publishing import (
    Block,
    begin_version,
    count_version,
    group_blocks,
    load_block,
    plan_version,
    publish_record,
    remove_older,
    show_version,
)


@round_flow("publishing")
def publishing(
    round_file: str,
    *,
    run_name: RunName = "main",
    run_folders: Sequence[str] | None = None,
    verify_anew: bool = False,
    cluster: str | None = None,
) -> State[None]:
    """Publish a round's scores to Redis; what is loaded already is not loaded again.

    Readers see the new version once all of it is there and its models have passed the release gate, where the round
    asks for that; else the flow run ends as `Not shown`. Run it again when they have.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        run_name: Publish the newest finished runs of this name.
        run_folders: Publish these run folders instead, as one version.
        verify_anew: Read every byte of the runs, also of those that were verified and did not change since.
        cluster: Cluster profile to use instead of the round's.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    publication = plan_version(round_, run_name, run_folders, verify_anew)
    add_link("run folders", ", ".join(f"`{folder}`" for folder in publication.folders))
    unloaded = begin_version(publication)
    if unloaded:
        profile = read_profile(cluster or round_.clusters.publishing)
        runner = task_runner(profile, place_of(round_, "publishing"))
        load = below("loads", load_version, runner, round_)
        load(publication, group_blocks(unloaded, worker_count(profile)), profile.lost_worker_attempts)
    counts = count_version(publication)
    shown = show_version(publication)
    publish_record(round_, publication, counts, shown)
    trace_publication(round_, publication, shown.is_seen)
    left = remove_older(publication)
    said = f"; not removed, for readers were shown it meanwhile: {', '.join(left)}" if left else ""
    name = "Shown" if shown.is_seen else "Not shown"
    return Completed(name=name, message=f"{publication.name}: {shown.sentence}{said}")


@side_by_side("load-version")
def load_version(publication: Publication, blocks: list[Block], attempts: int) -> int:
    """Load all blocks side by side, and return how many rows were loaded."""
    return sum(run_all(lambda block: load_block.submit(publication, block), blocks, attempts).values())

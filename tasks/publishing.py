"""Publishing as Prefect tasks: a version planned, loaded, counted, shown to readers, and older ones removed."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_page
from tasks.core.base.errors import RedisAwayError
from tasks.core.base.naming.artifact_names import publication_key
from tasks.core.evaluation.calibration.calibrate import read_calibration
from tasks.core.publishing.load_shards import load_shards, unloaded_shards
from tasks.core.publishing.pruning import finish_removal, prune
from tasks.core.publishing.publication import Publication, plan_publication
from tasks.core.publishing.publication_report import Shown, describe_publication, judge_release
from tasks.core.publishing.published_runs import find_runs, require_publishing
from tasks.core.publishing.redis_connection import LOAD_SECONDS, open_redis, require_fit
from tasks.core.publishing.served_versions import list_versions
from tasks.core.publishing.sound_runs import read_models
from tasks.core.publishing.version_state import begin, is_seen, switch, verify_counts
from tasks.core.round.model import Round
from tasks.records.evaluation_runs import fetch_calibration
from tasks.records.publishing_runs import find_champions, log_publication
from tasks.records.registry import get_version
from tasks.retrying import RETRIED, is_worth_retrying
from tasks.story import say, warn

BLOCKS_A_WORKER = 4
MANY_WORKERS = 16
Block = tuple[tuple[str, int], ...]
"""Shards that one task loads, each by its run folder and number."""


def may_pass(task_: Any, task_run: Any, state: Any) -> bool:
    """Say whether a failed task is worth another try: a Redis that is away may come back."""
    outcome = state.result(raise_on_failure=False)
    return isinstance(outcome, RedisAwayError) or is_worth_retrying(task_, task_run, state)


ASKING_REDIS = RETRIED | {"retry_condition_fn": may_pass}


@task(task_run_name="plan-version", cache_policy=NO_CACHE, persist_result=False)
def plan_version(
    round_: Round, run_name: str, run_folders: Sequence[str] | None, verify_anew: bool = False
) -> Publication:
    """Verify the runs that are to be published, and say which version they are."""
    settings = require_publishing(round_)
    folders = [Path(path) for path in run_folders] if run_folders else find_runs(round_, run_name)
    thresholds = thresholds_of(read_models(folders[0]))
    country, alias = round_.country, round_.checkpoint_alias
    publication = plan_publication(country, alias, folders, settings, thresholds, verify_anew)
    say(f"version {publication.name}: {publication.rows:,} texts of {', '.join(map(str, folders))}")
    return publication


def thresholds_of(models: dict[str, str]) -> dict[str, float]:
    """Return the calibrated threshold of each label whose model has one."""
    found = {}
    with TemporaryDirectory() as folder:
        for label, model in models.items():
            name, _, version = model.rpartition(" ")
            path = fetch_calibration(get_version(name, version), Path(folder))
            if path is not None:
                found[label] = read_calibration(path).threshold
    return found


@task(task_run_name="begin-version", **ASKING_REDIS)
def begin_version(publication: Publication) -> list[tuple[str, int]]:
    """Enter a version into Redis, and return the shards that are not loaded yet."""
    place = publication.settings.redis
    with open_redis(place) as client:
        require_fit(client, place)
        pace = publication.settings.removed_keys_a_second
        finish_removal(client, publication.country_keys, publication.name, pace)
        begin(client, publication)
        left = unloaded_shards(client, publication)
    say(f"{len(left):,} of {len(publication.shards):,} shards are to be loaded")
    return left


def group_blocks(shards: Sequence[tuple[str, int]], workers: int | None) -> list[Block]:
    """Return shards in blocks, a few for each worker; None where only a scheduler knows how many there are."""
    size = max(1, -(-len(shards) // ((workers or MANY_WORKERS) * BLOCKS_A_WORKER)))
    return [tuple(shards[start : start + size]) for start in range(0, len(shards), size)]


@task(task_run_name="load-{block[0][1]}", **ASKING_REDIS)
def load_block(publication: Publication, block: Block) -> int:
    """Load a block's shards on a worker, those that have a receipt left out; return how many rows were loaded."""
    with open_redis(publication.settings.redis, LOAD_SECONDS) as client:
        left = set(unloaded_shards(client, publication))
        rows = load_shards(client, publication, [shard for shard in block if shard in left])
    say(f"{rows:,} rows are loaded, of {len(block)} shards from {block[0][1]} on")
    return rows


@task(task_run_name="count-version", **ASKING_REDIS)
def count_version(publication: Publication) -> dict[str, int]:
    """Count what Redis holds of a version, and compare it with what was loaded."""
    with open_redis(publication.settings.redis, LOAD_SECONDS) as client:
        return verify_counts(client, publication)


@task(task_run_name="show-version", **ASKING_REDIS)
def show_version(publication: Publication) -> Shown:
    """Show readers a version where its models have passed the release gate, or no gate is asked for."""
    champions = find_champions(publication) if publication.settings.only_released else {}
    shown = judge_release(publication, champions)
    with open_redis(publication.settings.redis) as client:
        if shown.is_seen:
            switch(client, publication.country_keys, publication.name)
        elif is_seen(client, publication):
            shown = Shown(True, f"it was shown before; by now {shown.sentence}")
    tell = say if shown.is_seen else warn
    tell(f"readers {'see' if shown.is_seen else 'do not see'} version {publication.name}: {shown.sentence}")
    return shown


@task(task_run_name="remove-older", **ASKING_REDIS)
def remove_older(publication: Publication) -> list[str]:
    """Remove versions that are neither seen nor the one before, nor this one, at the round's pace.

    Returns those that were to go, and that another publisher showed to readers meanwhile.
    """
    settings = publication.settings
    left: list[str] = []
    with open_redis(settings.redis, LOAD_SECONDS) as client:
        keep = {publication.name}
        keys, pace = publication.country_keys, settings.removed_keys_a_second
        removed = prune(client, keys, pace, keep=keep, left=left.append)
    say(f"removed {', '.join(removed) or 'nothing'}")
    return left


@task(task_run_name="publish-record", cache_policy=NO_CACHE, persist_result=False)
def publish_record(round_: Round, publication: Publication, counts: dict[str, int], shown: Shown) -> None:
    """Leave what was published in the Prefect UI, and its record in MLflow."""
    with open_redis(publication.settings.redis) as client:
        versions = list_versions(client, publication.country_keys)
    seen = next((one.name for one in versions if one.is_current), "")
    page = describe_publication(publication, counts, shown, seen)
    leave_page(publication_key(round_.name, [Path(folder).name for folder in publication.folders]), page)
    kept_from = log_publication(round_, publication, counts, shown, page)
    if kept_from is not None:
        warn(f"MLflow has no record of the publication, Redis has all: {kept_from}")

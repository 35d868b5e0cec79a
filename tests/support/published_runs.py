"""Runs to publish, of made-up scores, and all of a publication in a call."""

import numpy as np
import pyarrow as pa

from tasks.core.publishing.load_shards import load_shards, unloaded_shards
from tasks.core.publishing.publication import plan_publication
from tasks.core.publishing.redis_connection import open_redis
from tasks.core.publishing.version_state import begin, switch, verify_counts
from tasks.core.round.publishing_section import Publishing
from tasks.core.runs.parts import read_part
from tests.support.scored_runs import scored_run, write_sample_files

SHARD_ROWS = 100
LABELS = ["positive", "negative"]
ODD_IDS = ["a:b", "with spaces in it", "🦊 fox", "1", "01", "x" * 90, "new\nline", "w:US:current"]


def ids_of(rows):
    """Return that many ids, the odd ones among them."""
    return pa.array(ODD_IDS + [f"{10**17 + 7 * number}" for number in range(rows - len(ODD_IDS))])


def smooth(shift=0.0):
    """Return what gives scores by ids alone, spread as experts do; a shift gives all of them others."""

    def given(label, shard, ids):
        numbers = np.array([sum(str(id_).encode()) * 7919 + len(label) * 31 for id_ in ids.to_pylist()])
        spread = (numbers * 2654435761 + np.arange(len(numbers)) * 40503 * (shard.number + 1)) % 1_000_003 / 1_000_003
        return 1 / (1 + np.exp(-(12 * spread - 8 + shift))), None

    return given


def run_to_publish(folder, rows=900, *, shift=0.0, given=None, screened=False, ids=None):
    """Write a finished run of two labels, whose ids have colons, spaces and emoji among them."""
    ids = ids_of(rows) if ids is None else ids
    texts = pa.table(
        {"tweet_id": ids, "text": [f"text {n}" for n in range(len(ids))], "lang": ["en", "es"] * (len(ids) // 2)}
    )
    sample = write_sample_files(folder / "texts", [texts])
    return scored_run(folder / "runs", sample, LABELS, given or smooth(shift), SHARD_ROWS, screened)


def publication_of(run, alias="iter0", country="US", thresholds=None, **settings):
    """Plan the publication of a run."""
    section = Publishing(**{"top": 50, "texts_a_bucket": 16, "commands_at_once": 500} | settings)
    return plan_publication(country, alias, [run.folder.path], section, thresholds or {})


def publish(server, publication, show=True):
    """Load a publication, count it and show it to readers."""
    with open_redis(server.place) as client:
        begin(client, publication)
        load_shards(client, publication, unloaded_shards(client, publication))
        counts = verify_counts(client, publication)
        if show:
            switch(client, publication.country_keys, publication.name)
    return counts


def truth_of(run, label):
    """Return each id's score in the run."""
    parts = [read_part(run.folder.output_path(label, shard.number)).to_pylist() for shard in run.plan.shards]
    return {row["tweet_id"]: row for part in parts for row in part}

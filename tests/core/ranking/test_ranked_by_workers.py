"""The plan for runs too large for one machine: workers count and sort their own parts, and sums of that give the ranks.

What stands in tasks/core/ranking/README.md is done here by several workers one after the other, each of which knows its
own parts only; what they send is what the plan says that they send.
"""

import heapq

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.ranking.counted_parts import counted_parts
from tasks.core.ranking.population import Population, Wanted
from tasks.core.ranking.ranked import open_ranked
from tasks.core.ranking.scored_rows import ScoredRows, sorting
from tasks.core.runs.part_groups import part_schema
from tests.support.scored_runs import scored_run, write_sample_files

WORKERS = 3
TIES = 2


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of twelve shards with many ties, whose best texts lie in two of them."""
    folder = tmp_path_factory.mktemp("run")
    ids = pa.array([f"{number}" for number in np.random.default_rng(5).permutation(6_000)])

    def given(_label, shard, ids):
        random = np.random.default_rng(shard.number)
        return np.round(random.beta(1, 40 if shard.number not in {2, 7} else 4, len(ids)), TIES), None

    table = pa.table({"tweet_id": ids, "text": ["text"] * len(ids)})
    return scored_run(folder, write_sample_files(folder / "sample", [table]), ["positive"], given, 500)


def ranked_by_workers(run, first, last):
    """Return scores and ids of some ranks, and how many rows were sent."""
    parts = counted_parts(run.plan, run.folder, "positive", "expert")
    workers = [Population(parts[place::WORKERS]) for place in range(WORKERS)]
    totals = sum(worker.totals for worker in workers)
    from_top = np.cumsum(totals[::-1])
    high, low = (len(totals) - 1 - np.searchsorted(from_top, [first, last])).tolist()
    wanted = Wanted(range(low, high + 1))
    schema = part_schema(run.plan, [part.path for part in parts])
    sent = []
    for worker in workers:
        with sorting(run.folder.path, 1.0) as connection:
            held = sum(wanted.rows_of(part) for part in worker.parts)
            rows = ScoredRows(worker, schema, connection).in_order(wanted, 0, held)
            sent.append(
                [
                    (-score, id_)
                    for id_, score in zip(rows["tweet_id"].to_pylist(), rows["score"].to_pylist(), strict=True)
                ]
            )
    above = int(totals[high + 1 :].sum())
    merged = list(heapq.merge(*sent))
    return merged[first - 1 - above : last - above], sum(map(len, sent))


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 40), (100, 300), (2_000, 2_010), (5_990, 6_000)])
def test_workers_that_know_their_own_parts_give_the_ranks_of_one(run, first, last):
    found, sent = ranked_by_workers(run, first, last)
    with open_ranked(run.folder, "positive", "expert") as ranked:
        rows = ranked.between(first, last).to_pylist()
    assert found == [(-row["score"], row["tweet_id"]) for row in rows]
    assert sent < 2_000


def test_only_workers_with_the_best_texts_read_for_them(run):
    parts = counted_parts(run.plan, run.folder, "positive", "expert")
    bins = Population(parts).bins_at([40, 1])
    holding = [part.shard for part in parts if Wanted(range(bins[0], bins[1] + 1)).rows_of(part)]
    assert holding == [2, 7]

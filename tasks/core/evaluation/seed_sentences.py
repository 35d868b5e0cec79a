"""Recall by sentences that a label's texts hold, `I lost my job`: the share of such texts that ranks high.

It needs no label, but says nothing of texts that put it otherwise, nor whether a text with the sentence is true.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.corpus.sample.reading import decode_texts
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.ranking.ranked import Ranked
from tasks.core.ranking.row_texts import TEXT, with_texts
from tasks.core.ranking.scan import side_by_side
from tasks.core.round.sections import Sample
from tasks.core.runs.parts import ID_COLUMN
from tasks.core.runs.plan import Shard
from tasks.core.runs.shards.planned_rows import read_shard


@dataclass(frozen=True)
class SeedSentenceRecall:
    """How many texts hold one of a label's sentences."""

    rank: int
    in_pool: int
    in_top: int
    """So many of these are among the `rank` best."""
    recall: float | None
    """The share of them that is; None where the pool has no such text."""


def seed_sentence_recall(
    run: PoolRun, ranked: Ranked, sample: Sample, sentences: Sequence[str], rank: int
) -> SeedSentenceRecall:
    """Count texts with a sentence in the pool, a shard at a time, and among the best; case does not matter."""
    rank = min(rank, ranked.rows)
    best = with_texts(ranked.top(rank).select([ID_COLUMN]), sample)[TEXT]
    in_top = holding(best, sentences)
    in_pool = sum(side_by_side(lambda shard: _in_shard(run, shard, sentences), run.plan.shards))
    return SeedSentenceRecall(rank, in_pool, in_top, in_top / in_pool if in_pool else None)


def holding(texts: pa.ChunkedArray | pa.Array, sentences: Sequence[str]) -> int:
    """Return how many texts hold one of the sentences."""
    lower = pc.utf8_lower(texts)
    found = None
    for sentence in sentences:
        own = pc.match_substring(lower, sentence.strip().lower())
        found = own if found is None else pc.or_(found, own)
    return int(pc.sum(found, min_count=0).as_py()) if found is not None else 0


def _in_shard(run: PoolRun, shard: Shard, sentences: Sequence[str]) -> int:
    return holding(pa.array(decode_texts(read_shard(run.plan, shard)["text"]), pa.string()), sentences)

"""Pools of texts in memory that are ranked as stored scores are, for draws by the thousand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tasks.core.round.sampling_section import Sampling
from tasks.core.round.sections import Sample
from tasks.core.sampling.label_pool import LabelledBefore, LabelPool
from tasks.core.screening.draws import places

NOTHING_BEFORE = LabelledBefore(frozenset(), frozenset())


@dataclass(frozen=True)
class ArrayRanked:
    """A label's rows in the order of their ranks."""

    table: pa.Table

    @property
    def rows(self) -> int:
        return len(self.table)

    def top(self, count: int) -> pa.Table:
        return self.table.slice(0, count)

    def between(self, first: int, last: int) -> pa.Table:
        return self.table.slice(first - 1, last - first + 1)

    def rank_of(self, score: float) -> int:
        return 1 + int((self.table["score"].to_numpy() > score).sum())

    def draw(self, first: int, last: int, count: int, key: str) -> pa.Table:
        among = self.between(first, last)
        chosen = np.argsort(places(among["tweet_id"], f"draw-{key}"), kind="stable")[:count]
        return among.take(pa.array(np.sort(chosen)))

    def random(self, count: int, key: str) -> pa.Table:
        return self.draw(1, self.rows, count, key)


@dataclass(frozen=True)
class ArrayPool(LabelPool):
    """A label's pool whose texts and authors are in memory."""

    texts: tuple[str, ...] = ()
    """The texts stand in the order of their ranks."""
    authors: tuple[str | None, ...] = ()
    screened_out: int = 0
    """So many of the last ranks have no score by the expert."""
    scores: tuple[float, ...] = field(default=())

    @contextmanager
    def ranked(self, which) -> Iterator[ArrayRanked]:
        rows = len(self.texts)
        scores = self.scores or tuple(1 - (place + 1) / (rows + 1) for place in range(rows))
        ranks = pa.array(range(1, rows + 1), pa.int64())
        columns = {"rank": ranks, "tweet_id": ids(rows), "score": scores, "stage": pa.nulls(rows, pa.string())}
        yield ArrayRanked(pa.table(columns).slice(0, rows - (self.screened_out if which == "expert" else 0)))

    def with_texts(self, rows: pa.Table) -> pa.Table:
        chosen = [int(id_.removeprefix("id")) for id_ in rows["tweet_id"].to_pylist()]
        authors = [self.authors[place] if self.authors else None for place in chosen]
        texts = pa.array([self.texts[place] for place in chosen], pa.string())
        return rows.append_column("text", texts).append_column("author", pa.array(authors, pa.string()))


def ids(rows: int) -> list[str]:
    """Return the ids of a pool, by rank."""
    return [f"id{place:06d}" for place in range(rows)]


def array_pool(texts, settings: Sampling | None = None, label="positive", **changes) -> ArrayPool:
    """Return a pool of these texts, the best-scored first."""
    said = {"before": NOTHING_BEFORE, "used_motifs": (), "threshold": 0.5, "language": "en"} | changes
    return ArrayPool("run", label, Sample(path="."), settings=settings or Sampling(), texts=tuple(texts), **said)

"""The first step of every draw: rows of a stated population, each with the probability that it is among them.

Rows that were labelled before are among them still, for the probability is that of any row of the population; what
follows leaves them out, and estimates then speak of the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.core.ranking.ranked import Ranked
from tasks.core.sampling.label_pool import AUTHOR, TEXT, LabelPool
from tasks.core.sampling.near_duplicates import near_duplicates
from tasks.core.sampling.thinning import CHANCE

FARTHEST = 100
"""Nobody looks farther from an edge than at so many times as many rows as are wanted."""


@dataclass(frozen=True)
class FirstDraw:
    """Rows drawn in one way, more than are wanted."""

    method: str
    reason: str
    """The labelling batch says with each text why it was drawn."""
    population: str
    """The rows were drawn from these, in words."""
    population_rows: int | None
    """The population has so many rows; None where it is known from the draw alone."""
    wanted: int
    """So many texts are to be left in the end."""
    rows: pa.Table
    """The columns are those of a ranking, inclusion_probability, text and author."""
    stratum: int | None = None
    shared: bool = False
    """All labels draw the same rows, and keep the same ones of them."""


def with_chance(rows: pa.Table, chance: float) -> pa.Table:
    """Return rows that were each drawn with this probability."""
    return rows.append_column(CHANCE, pa.array(np.full(len(rows), chance)))


def draw_ranks(pool: LabelPool, ranked: Ranked, ranks: tuple[int, int], wanted: int, key: str) -> pa.Table:
    """Return rows drawn evenly among some ranks, as many times more than wanted as the section says."""
    first, last = ranks
    population = last - first + 1
    count = min(population, wanted * pool.settings.drawn_first)
    return pool.with_texts(with_chance(ranked.draw(first, last, count, key), count / population))


def nearest(pool: LabelPool, take: Callable[[int], pa.Table], wanted: int) -> pa.Table:
    """Return the rows nearest to an edge, just as many as it takes until so many are left of them.

    `take` returns so many rows, the nearest first. How far it goes follows from what was labelled before and from the
    caps, and from no chance: every row up to there is among them for certain.
    """
    size, farthest = wanted * pool.settings.drawn_first, wanted * max(FARTHEST, pool.settings.drawn_first)
    while True:
        rows = pool.with_texts(with_chance(take(size), 1.0))
        reached = _reach(pool, rows, wanted)
        if reached is not None or len(rows) < size or size == farthest:
            return rows.slice(0, reached)
        size = min(2 * size, farthest)


def _reach(pool: LabelPool, rows: pa.Table, wanted: int) -> int | None:
    """Return how many rows hold as many as are wanted that go out, or None when these do not."""
    groups = near_duplicates(rows[TEXT].to_pylist(), pool.settings.near_duplicate_similarity)
    authors, before = rows[AUTHOR].to_pylist(), pool.before.among(rows)
    seen, by_author, left = set[int](), dict[str, int](), 0
    for place, (group, author) in enumerate(zip(groups.tolist(), authors, strict=True)):
        if before[place] or group in seen or by_author.get(author, 0) >= pool.settings.texts_per_author:
            continue
        seen.add(group)
        left += 1
        if author is not None:
            by_author[author] = by_author.get(author, 0) + 1
        if left == wanted:
            return place + 1
    return None

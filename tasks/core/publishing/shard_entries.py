"""A shard's rows as what Redis holds of them: entries of buckets, and members of sorted sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.base.errors import PublishingError
from tasks.core.publishing.key_layout import bucket_of, column_part, score_part, stage_part
from tasks.core.publishing.publication import Publication
from tasks.core.publishing.published_scores import off_scale, spell_scores
from tasks.core.publishing.sample_columns import read_columns
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import EXPERT, ID_COLUMN, SCORE_COLUMN, SCREENED_OUT, STAGE_COLUMN, read_part
from tasks.core.runs.plan import Plan, Shard

BUCKET = "bucket"


@dataclass(frozen=True)
class Entries:
    """What a part of a version gets from a shard, sorted by bucket; each of `ids` goes with one of `values`."""

    part: str
    ids: list[bytes]
    values: list[str]
    buckets: list[int]

    def by_bucket(self) -> Iterator[tuple[int, list[bytes | str]]]:
        """Yield each bucket with its ids and values in turn, as Redis takes them."""
        start = 0
        while start < len(self.ids):
            stop, bucket = start + 1, self.buckets[start]
            while stop < len(self.ids) and self.buckets[stop] == bucket:
                stop += 1
            pairs: list[bytes | str] = [b""] * (2 * (stop - start))
            pairs[::2], pairs[1::2] = self.ids[start:stop], self.values[start:stop]
            yield bucket, pairs
            start = stop


@dataclass(frozen=True)
class ShardEntries:
    """All that a version gets from a shard."""

    parts: list[Entries]
    best: dict[str, Entries]
    """Each label's sorted set gets these: ids, and scores as values."""


def shard_entries(publication: Publication, plan: Plan, folder: RunFolder, shard: Shard) -> ShardEntries:
    """Read a shard's scores and, where they are published, stages and columns.

    Raises:
        PublishingError: a score is none that an expert gives.
        RunFolderError, InputDataError: files cannot be read, or are not what was planned.
    """
    by_bucket = _Buckets(publication.buckets)
    parts: list[Entries] = []
    best: dict[str, Entries] = {}
    for label in publication.labels:
        path = folder.output_path(label, shard.number)
        rows = by_bucket.sort(read_part(path))
        scored = _scored(rows)
        spelled = _spelled(path, scored)
        scores = _entries(score_part(label), scored, spelled)
        parts.append(scores)
        best[label] = _best(scores, publication.complete_from[label])
        if publication.settings.stage and STAGE_COLUMN in rows.column_names:
            odd = rows.filter(pc.not_equal(rows[STAGE_COLUMN], EXPERT))
            parts.append(_entries(stage_part(label), odd, odd[STAGE_COLUMN].to_pylist()))
    for name in publication.settings.columns:
        ids, values = read_columns(plan, shard, name)
        rows = by_bucket.sort(pa.table({ID_COLUMN: ids, name: values}))
        parts.append(_entries(column_part(name), rows, rows[name].to_pylist()))
    return ShardEntries(parts, best)


class _Buckets:
    """Sorts rows by their bucket; rows of the same ids as those before, as labels of a shard are, in the same way."""

    def __init__(self, buckets: int) -> None:
        self._buckets = buckets
        self._ids: pa.ChunkedArray | None = None
        self._placed = pa.table({})
        self._order = pa.array([], pa.int64())

    def sort(self, rows: pa.Table) -> pa.Table:
        """Return rows by their bucket, which is a column of its own, ids as bytes."""
        if self._ids is None or not self._ids.equals(rows[ID_COLUMN]):
            self._ids = rows[ID_COLUMN]
            ids = self._ids.cast(pa.string()).cast(pa.binary())
            numbers = np.array([bucket_of(id_, self._buckets) for id_ in ids.to_pylist()], dtype=np.int64)
            self._order = pa.array(np.argsort(numbers, kind="stable"))
            self._placed = pa.table({ID_COLUMN: ids, BUCKET: numbers}).take(self._order)
        placed = self._placed
        for name in rows.column_names:
            if name != ID_COLUMN:
                placed = placed.append_column(name, rows[name].take(self._order))
        return placed


def _scored(rows: pa.Table) -> pa.Table:
    """Return the rows that an expert scored."""
    if STAGE_COLUMN not in rows.column_names:
        return rows
    return rows.filter(pc.invert(pc.is_in(rows[STAGE_COLUMN], pa.array(SCREENED_OUT))))


def _spelled(path: Path, rows: pa.Table) -> list[str]:
    scores = rows[SCORE_COLUMN].to_numpy()
    bad = off_scale(scores)
    if len(bad):
        raise PublishingError(
            f"{len(bad)} scores of {path} are no probabilities, the first is {bad[0]!r}; a score is a number from 0 to "
            "1. Nothing of this shard was published. `winnow verify` on the run folder says what happened to it."
        )
    return spell_scores(scores.tolist())


def _entries(part: str, rows: pa.Table, values: Sequence[str]) -> Entries:
    return Entries(part, rows[ID_COLUMN].to_pylist(), list(values), rows[BUCKET].to_pylist())


def _best(scores: Entries, least: float) -> Entries:
    at = [place for place, value in enumerate(scores.values) if float(value) >= least]
    ids, values = [scores.ids[place] for place in at], [str(scores.values[place]) for place in at]
    return Entries(scores.part, ids, values, [scores.buckets[place] for place in at])

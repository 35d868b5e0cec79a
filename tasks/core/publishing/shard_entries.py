"""A shard's rows as what Redis holds of them: entries of buckets, and members of sorted sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.base.errors import PublishingError
from tasks.core.publishing.key_layout import bucket_of, column_part, score_part, stage_part
from tasks.core.publishing.packed_commands import pack_word
from tasks.core.publishing.publication import Publication
from tasks.core.publishing.published_scores import off_scale, spell_scores
from tasks.core.publishing.sample_columns import read_columns
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import EXPERT, ID_COLUMN, SCORE_COLUMN, SCREENED_OUT, STAGE_COLUMN, read_part
from tasks.core.runs.plan import Plan, Shard

BUCKET = "bucket"


@dataclass(frozen=True)
class Entries:
    """What a part of a version gets from a shard, sorted by bucket; each of `ids` goes with one of `values`.

    Both are packed as words of a command.
    """

    part: str
    ids: list[bytes]
    values: list[bytes]
    buckets: NDArray[np.int64]

    def by_bucket(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield each bucket with its ids and values in turn, as Redis takes them."""
        edges = [0, *(np.flatnonzero(np.diff(self.buckets)) + 1).tolist(), len(self.ids)] if self.ids else []
        for start, stop in pairwise(edges):
            yield int(self.buckets[start]), self.pairs(start, stop)

    def pairs(self, start: int, stop: int, values_first: bool = False) -> list[bytes]:
        """Return ids and values of some entries in turn."""
        first, second = (self.values, self.ids) if values_first else (self.ids, self.values)
        return [word for pair in zip(first[start:stop], second[start:stop], strict=True) for word in pair]


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
        spelled = _spelled(path, scored[SCORE_COLUMN].to_numpy())
        scores = _entries(score_part(label), scored, spelled)
        parts.append(scores)
        best[label] = _best(scores, spelled, publication.complete_from[label])
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
        """Return rows by their bucket, which is a column of its own, with ids as packed words."""
        if self._ids is None or not self._ids.equals(rows[ID_COLUMN]):
            self._ids = rows[ID_COLUMN]
            ids = self._ids.cast(pa.string()).cast(pa.binary())
            numbers = np.array([bucket_of(id_, self._buckets) for id_ in ids.to_pylist()], dtype=np.int64)
            self._order = pa.array(np.argsort(numbers, kind="stable"))
            packed = pa.array(map(pack_word, ids.to_pylist()), pa.binary())
            self._placed = pa.table({ID_COLUMN: packed, BUCKET: numbers}).take(self._order)
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


def _spelled(path: Path, scores: NDArray[np.float64]) -> list[str]:
    bad = off_scale(scores)
    if len(bad):
        raise PublishingError(
            f"{len(bad)} scores of {path} are no probabilities, the first is {bad[0]!r}; a score is a number from 0 to "
            "1. Nothing of this shard was published. `winnow verify` on the run folder says what happened to it."
        )
    return spell_scores(scores)


def _entries(part: str, rows: pa.Table, values: Sequence[str]) -> Entries:
    packed = [pack_word(value.encode()) for value in values]
    return Entries(part, rows[ID_COLUMN].to_pylist(), packed, rows[BUCKET].to_numpy())


def _best(scores: Entries, spelled: Sequence[str], least: float) -> Entries:
    """Return the entries whose score, as it is published, is at least some other."""
    at = np.flatnonzero(np.array(spelled, dtype=np.float64) >= least).tolist()
    ids, values = [scores.ids[place] for place in at], [scores.values[place] for place in at]
    return Entries(scores.part, ids, values, scores.buckets[at])

"""Data of the simulated loop: rare feelings in real comments, parted into a small start, a pool, and unseen texts.

<folder>/start.parquet       the labelled data of the first round, with its splits
<folder>/pool/pool.parquet   the sample that is scored and drawn from; it has no labels
<folder>/truth.parquet       the pool again, with its labels: the annotators look here
<folder>/unseen.parquet      half as many as the pool, with labels, that nobody draws from: figures are taken on these
<folder>/../others.parquet   texts and other labels, for the base model of all repetitions: no label of the loop is true
                             of any, and no repetition has one of them in its start, pool or unseen texts
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.base.files import write_aside
from tests.benchmarks.loop_texts import COLUMNS, LABELS, read_texts, targets

PARTS = {"train": (25, 100), "validation": (12, 120), "test": (2, 20)}
"""Each split of the start has so many texts of each label, and so many of none. Ten true texts calibrate a label."""
OTHER_TEXTS = 20_000
"""The base model is taught so many, or four times the pool where that is fewer."""
TRUE_AMONG = 50
"""A label is true of no more than one in so many of the pool and the unseen texts, and of all that the start leaves
where these are fewer. In the set they are up to six times as rare, and too few true texts tell methods apart."""


@dataclass(frozen=True)
class LoopData:
    """What one repetition starts from; every repetition parts the texts anew."""

    folder: Path

    @property
    def start(self) -> Path:
        """The labelled data of the first round."""
        return self.folder / "start.parquet"

    @property
    def pool(self) -> Path:
        """The sample."""
        return self.folder / "pool"

    @property
    def others(self) -> Path:
        """What the base model is taught."""
        return self.folder.parent / "others.parquet"

    def pool_texts(self) -> pa.Table:
        """Return the pool with its labels."""
        return pq.read_table(self.folder / "truth.parquet")

    def unseen_texts(self) -> pa.Table:
        """Return the texts that figures are taken on, with their labels."""
        return pq.read_table(self.folder / "unseen.parquet")

    def truth(self) -> dict[tuple[str, str], bool]:
        """Return whether a label is true of a text of the pool, by id and label."""
        table = self.pool_texts()
        ids = table["tweet_id"].to_pylist()
        return {(id_, label): bool(true) for label in LABELS for id_, true in _pairs(ids, table[label])}


def prepare_data(folder: Path, pool_texts: int, repetition: int) -> LoopData:
    """Part the real texts for a repetition, unless that was done."""
    data = LoopData(folder)
    if (folder / "unseen.parquet").is_file():
        return data
    texts, others = _apart(read_texts(), min(OTHER_TEXTS, 4 * pool_texts))
    random = np.random.default_rng([repetition, 18])
    parts = _start_of(texts, random.permutation(len(texts)))
    rest = np.setdiff1d(np.arange(len(texts)), np.concatenate(list(parts.values())))
    pool, unseen = (texts.take(pa.array(rows)) for rows in _drawn_from(texts, random.permutation(rest), pool_texts))
    data.pool.mkdir(parents=True, exist_ok=True)
    _write(others, data.others)
    _write(pa.concat_tables([_of_split(texts, split, rows) for split, rows in parts.items()]), data.start)
    _write(pool.select(["tweet_id", "text"]), data.pool / "pool.parquet")
    _write(pool.select(COLUMNS), folder / "truth.parquet")
    _write(unseen.select(COLUMNS), folder / "unseen.parquet")
    return data


def _apart(texts: pa.Table, count: int) -> tuple[pa.Table, pa.Table]:
    """Return what repetitions part among themselves, and the same texts for the base model of them all."""
    of_none = np.flatnonzero(~(targets(texts) == 1).any(axis=1))
    taught = np.random.default_rng(18).permutation(of_none)[:count]
    rest = np.setdiff1d(np.arange(len(texts)), taught)
    return texts.take(pa.array(rest)), texts.take(pa.array(taught)).drop_columns(list(LABELS))


def _drawn_from(texts: pa.Table, rest: NDArray[np.int64], pool_texts: int) -> list[NDArray[np.int64]]:
    """Return the rows of the pool and of the unseen texts, a third of the true ones in the latter."""
    count, truth = pool_texts * 3 // 2, targets(texts)[rest] == 1
    chosen = np.zeros(len(rest), dtype=bool)
    for column in truth.T:
        chosen[np.flatnonzero(column)[: count // TRUE_AMONG]] = True
    some, none = rest[chosen], rest[~truth.any(axis=1)]
    if len(some) + len(none) < count:
        most = (len(some) + len(none)) * 2 // 3
        raise SystemExit(f"--pool is {pool_texts}, but the set has texts for a pool of {most} at most")
    third = np.arange(len(some)) % 3 == 2  # labels of many texts have theirs at the front
    of_pool, of_unseen = np.split(none[: count - len(some)], [pool_texts - np.sum(~third)])
    return [np.sort(np.concatenate(rows)) for rows in ((some[~third], of_pool), (some[third], of_unseen))]


def _start_of(texts: pa.Table, order: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return each split's rows: the first of the order that are true of a label, and of none."""
    truth = targets(texts)[order] == 1
    lines = [order[truth[:, place]] for place in range(len(LABELS))] + [order[~truth.any(axis=1)]]
    taken: set[int] = set()
    parts = {}
    for split, (of_label, of_none) in PARTS.items():
        counts = [of_label] * len(LABELS) + [of_none]
        rows = [row for line, count in zip(lines, counts, strict=True) for row in _next(line, count, taken)]
        parts[split] = np.array(rows, dtype=np.int64)
    return parts


def _next(line: NDArray[np.int64], count: int, taken: set[int]) -> list[int]:
    """Take the next rows of a line that no split has."""
    rows = [row for row in line.tolist() if row not in taken][:count]
    taken.update(rows)
    return rows


def _of_split(texts: pa.Table, split: str, rows: NDArray[np.int64]) -> pa.Table:
    return texts.select(COLUMNS).take(pa.array(rows)).append_column("split", pa.array([split] * len(rows)))


def _pairs(ids: list[str], values: pa.ChunkedArray) -> Iterator[tuple[str, int]]:
    return zip(ids, values.to_pylist(), strict=True)


def _write(table: pa.Table, path: Path) -> None:
    with write_aside(path) as aside:
        pq.write_table(table, aside, compression="zstd")

"""Data of the simulated loop: rare feelings in real comments, parted into a small start, a pool, and unseen texts.

<folder>/start.parquet       the labelled data of the first round, with its splits
<folder>/pool/pool.parquet   the sample that is scored and drawn from; it has no labels
<folder>/truth.parquet       the pool again, with its labels: the annotators look here
<folder>/others.parquet      texts and other labels, for the base model: none is true of a label of the loop
<folder>/unseen.parquet      half as many as the pool, with labels, that nobody draws from: figures are taken on these
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

PARTS = {"train": (10, 160), "validation": (12, 160), "test": (2, 20)}
"""Each split of the start has so many texts of each label, and so many of none. Ten true texts calibrate a label."""
OTHER_TEXTS = 8_000
"""The base model is taught so many, or four times the pool where that is fewer."""


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
        return self.folder / "others.parquet"

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
    texts, random = read_texts(), np.random.default_rng([repetition, 18])
    parts = _start_of(texts, random.permutation(len(texts)))
    rest = np.setdiff1d(np.arange(len(texts)), np.concatenate(list(parts.values())))
    rest = random.permutation(rest)
    ends = [pool_texts, pool_texts + pool_texts // 2]
    if len(rest) < ends[-1] + OTHER_TEXTS:
        most = (len(rest) - OTHER_TEXTS) * 2 // 3
        raise SystemExit(f"--pool is {pool_texts}, but the set has texts for a pool of {most} at most")
    pool, unseen, others = (texts.take(pa.array(rows)) for rows in np.split(rest, ends))
    data.pool.mkdir(parents=True, exist_ok=True)
    _write(pa.concat_tables([_of_split(texts, split, rows) for split, rows in parts.items()]), data.start)
    _write(pool.select(["tweet_id", "text"]), data.pool / "pool.parquet")
    _write(pool.select(COLUMNS), folder / "truth.parquet")
    _write(_without_labels(others).slice(0, min(OTHER_TEXTS, 4 * pool_texts)), data.others)
    _write(unseen.select(COLUMNS), folder / "unseen.parquet")
    return data


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


def _without_labels(texts: pa.Table) -> pa.Table:
    """Return the texts that no label of the loop is true of, without these labels."""
    return texts.filter(pa.array(~(targets(texts) == 1).any(axis=1))).drop_columns(list(LABELS))


def _pairs(ids: list[str], values: pa.ChunkedArray) -> Iterator[tuple[str, int]]:
    return zip(ids, values.to_pylist(), strict=True)


def _write(table: pa.Table, path: Path) -> None:
    with write_aside(path) as aside:
        pq.write_table(table, aside, compression="zstd")

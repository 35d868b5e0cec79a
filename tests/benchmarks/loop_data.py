"""Data of the simulated loop: rare feelings in real comments, parted into a small start, a pool, and unseen texts.

<folder>/start.parquet       the labelled data of the first round, with its splits
<folder>/pool/pool.parquet   the sample that is scored and drawn from; it has no labels
<folder>/truth.parquet       the pool again, with its labels: the annotators look here
<folder>/unseen.parquet      as many texts and their labels, which nobody draws from: figures are taken on these
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.base.files import write_aside
from tasks.core.exchange.labelled_before import normal_text
from tests.benchmarks.trained import real_data

SOURCE = "goemotions_multilabel.parquet"
LABELS = ("grief", "relief", "pride", "remorse")
PARTS = {"train": (10, 160), "validation": (12, 160), "test": (2, 20)}
"""Each split of the start has so many texts of each label, and so many of none. Ten true texts calibrate a label."""


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
    if len(rest) < 2 * pool_texts:
        raise SystemExit(f"--pool is {pool_texts}, and as many texts stay unseen, but there are {len(rest)} in all")
    pool, unseen = (texts.take(pa.array(rest[first : first + pool_texts])) for first in (0, pool_texts))
    data.pool.mkdir(parents=True, exist_ok=True)
    _write(pa.concat_tables([_of_split(texts, split, rows) for split, rows in parts.items()]), data.start)
    _write(pool.select(["tweet_id", "text"]), data.pool / "pool.parquet")
    _write(pool, folder / "truth.parquet")
    _write(unseen, folder / "unseen.parquet")
    return data


def read_texts() -> pa.Table:
    """Return the distinct texts of the real set: tweet_id, text, and 0 or 1 for each label."""
    source = real_data(SOURCE)
    if source is None:
        raise SystemExit(f"the loop needs {SOURCE}: set WINNOW_TEST_DATA to its folder; see tests/README.md")
    table = pq.read_table(source)
    names = json.loads(table.schema.metadata[b"label_names"])
    first = {normal_text(text): place for place, text in reversed(list(enumerate(table["text"].to_pylist())))}
    table = table.take(pa.array(sorted(place for text, place in first.items() if text)))
    found = {label: pc.list_element(table["label"], names.index(label)) for label in LABELS}
    return pa.table({"tweet_id": table["id"], "text": table["text"], **found})


def positives(table: pa.Table) -> dict[str, int]:
    """Return how many texts each label is true of."""
    return {label: int(pc.sum(table[label]).as_py()) for label in LABELS}


def targets(table: pa.Table) -> NDArray[np.float64]:
    """Return the labels as an array, a column each."""
    return np.stack([table[label].to_numpy() for label in LABELS], axis=1).astype(np.float64)


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
    return texts.take(pa.array(rows)).append_column("split", pa.array([split] * len(rows)))


def _pairs(ids: list[str], values: pa.ChunkedArray) -> Iterator[tuple[str, int]]:
    return zip(ids, values.to_pylist(), strict=True)


def _write(table: pa.Table, path: Path) -> None:
    with write_aside(path) as aside:
        pq.write_table(table, aside, compression="zstd")

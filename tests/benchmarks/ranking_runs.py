"""Runs for the benchmark of ranking: made-up scores of five labels, ids as strings, in files of equal size."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.round.sections import Sample
from tasks.core.runs.plan import Shard
from tests.support.scored_runs import ScoredRun, scored_run

LABELS = ("grief", "relief", "pride", "remorse", "joy")
FILES = 400
FIRST_ID = 1_700_000_000_000_000_000
WORDS, WORDS_A_TEXT = 10_000, 8
CENTRE, SPREAD = -5.0, 2.5
"""Log-odds are drawn around this with this standard deviation, as an expert gives them to unlabelled texts."""


def write_run(folder: Path, rows: int, files: int) -> ScoredRun:
    """Write a sample of so many rows in so many files, and a finished run of it."""
    sample = folder / "sample"
    sample.mkdir(parents=True)
    for number in range(files):
        _write_file(sample / f"part-{number:05d}.parquet", number, rows // files)
    return scored_run(folder, Sample(path=sample), list(LABELS), _scores, rows // files)


def smaller_run(of: ScoredRun, folder: Path, files: int) -> ScoredRun:
    """Write a finished run of the first files of another one's sample, which take no more space."""
    sample = folder / "sample"
    sample.mkdir(parents=True)
    for number in range(files):
        os.link(of.sample.path / f"part-{number:05d}.parquet", sample / f"part-{number:05d}.parquet")
    return scored_run(folder, Sample(path=sample), list(LABELS), _scores, of.plan.inputs.shard_rows)


def _write_file(path: Path, number: int, rows: int) -> None:
    random = np.random.default_rng([1, number])
    ids = FIRST_ID + number * 10**9 + random.permutation(rows) * 1_009
    words = (WORDS ** random.random((rows, WORDS_A_TEXT))).astype(int).tolist()  # as often as Zipf's law says
    texts = [" ".join(f"word{word}" for word in row) for row in words]
    pq.write_table(pa.table({"tweet_id": ids.astype(str), "text": texts}), path, row_group_size=50_000)


def _scores(label: str, shard: Shard, ids: pa.ChunkedArray) -> tuple[np.ndarray, None]:
    random = np.random.default_rng([2, LABELS.index(label), shard.number])
    log_odds = random.normal(CENTRE, SPREAD, len(ids)).astype(np.float32).astype(np.float64)
    return 1 / (1 + np.exp(-log_odds)), None

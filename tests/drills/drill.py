"""A drill's run and its sample."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tests.drills.launches import Launch, Launcher
from tests.support.soundness import Scores
from tests.support.tiny import make_sentences

SHARDS = {"many": 240, "few": 40}
"""Shards of the drills' samples. Of the many, each takes a worker a good part of a second."""
SHARD_ROWS = 600


def write_drill_sample(folder: Path, shards: int) -> Path:
    """Write a sample of three files whose texts are all distinct; one text of 97 is missing and goes to quarantine."""
    folder.mkdir()
    rows = shards * SHARD_ROWS
    texts = [None if number % 97 == 0 else text for number, text in enumerate(make_sentences(rows, seed=7))]
    ids = pa.array(range(5 * 10**17, 5 * 10**17 + rows), pa.int64())
    table = pa.table({"tweet_id": ids, "text": pa.array(texts, pa.string())})
    third = shards // 3 * SHARD_ROWS
    for number, (begin, end) in enumerate([(0, third), (third, 2 * third), (2 * third, rows)]):
        pq.write_table(table.slice(begin, end - begin), folder / f"part-{number}.parquet", row_group_size=SHARD_ROWS)
    return folder


@dataclass
class Drill:
    """A run of its own: a round file whose output path nothing else writes to."""

    round_file: Path
    sample: str
    launcher: Launcher
    undisturbed: Scores

    def launch(self, **parameters: Any) -> Launch:
        """Start the run, or go on with it."""
        parameters = {"round_file": str(self.round_file), "sample": self.sample} | parameters
        return self.launcher.start([("inference", parameters)])

    @property
    def folder(self) -> RunFolder:
        """The run's only folder."""
        (path,) = read_round(self.round_file).inference.output_path.glob("iter_*")
        return RunFolder(path)

    def found(self, pattern: str) -> list[Path]:
        """Return what fits a pattern in the run folder; nothing before there is one."""
        return list(read_round(self.round_file).inference.output_path.glob(f"iter_*/{pattern}"))

    def finished_shards(self) -> int:
        """Return how many shards have a receipt by now."""
        return len(self.found("receipts/[0-9]*.json"))

    def is_scored(self) -> bool:
        """Say whether every shard has a receipt."""
        return self.finished_shards() == SHARDS[self.sample]

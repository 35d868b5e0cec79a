"""Where each file of a run lies.

manifest.json                       written last
plan.parquet                        written once
receipts/00042.json                 written last for each shard
output/<LABEL>/part-00042.parquet   tweet_id, score
quarantine/part-00042.parquet       tweet_id, reason; only for shards that have such rows
logs/<LABEL>/<worker>.log           a line a shard
logs/summary.md
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from tasks.core.naming import shard_number


@dataclass(frozen=True)
class RunFolder:
    """A run folder's paths."""

    path: Path

    @property
    def manifest_path(self) -> Path:
        """Where the manifest lies."""
        return self.path / "manifest.json"

    @property
    def plan_path(self) -> Path:
        """Where the plan lies."""
        return self.path / "plan.parquet"

    @property
    def summary_path(self) -> Path:
        """Where the summary for a person lies."""
        return self.path / "logs" / "summary.md"

    @property
    def receipts(self) -> Path:
        """The folder of receipts."""
        return self.path / "receipts"

    def receipt_path(self, number: int) -> Path:
        """Where a shard's receipt lies."""
        return self.receipts / f"{shard_number(number)}.json"

    def output_path(self, label: str, number: int) -> Path:
        """Where a shard's scores of a label lie."""
        return self.path / "output" / label / f"part-{shard_number(number)}.parquet"

    def quarantine_path(self, number: int) -> Path:
        """Where a shard's rows that could not be scored lie."""
        return self.path / "quarantine" / f"part-{shard_number(number)}.parquet"

    def log_path(self, label: str) -> Path:
        """Where this process logs its shards of a label."""
        return self.path / "logs" / label / f"{socket.gethostname()}-{os.getpid()}.log"

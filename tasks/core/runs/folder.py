"""Where each file of a run lies.

manifest.json                       written last
plan.parquet                        written once; again only when the sample or a model's copy has moved
receipts/00042.json                 written last for each shard
output/<LABEL>/part-00042.parquet   tweet_id, score
quarantine/part-00042.parquet       tweet_id, text, reason; only for shards that have such rows
running/00042.json                  who scores the shard; gone when it is done
failures/00042.json                 why the shard failed last; gone when it is done
resources.json                      which cluster, memory and time the last launch was given
logs/<LABEL>/<worker>.log           a line a shard
logs/slurm/                         what SLURM jobs wrote, and jobs.jsonl: how those ended that were lost
logs/summary.md
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.naming import parse_run_folder_name, shard_number


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
    def resources_path(self) -> Path:
        """Where it stands which cluster, memory and time the last launch was given."""
        return self.path / "resources.json"

    @property
    def summary_path(self) -> Path:
        """Where the summary for a person lies."""
        return self.path / "logs" / "summary.md"

    @property
    def job_endings_path(self) -> Path:
        """Where it stands how lost SLURM jobs ended, a line each."""
        return self.path / "logs" / "slurm" / "jobs.jsonl"

    def receipt_path(self, number: int) -> Path:
        """Where a shard's receipt lies."""
        return self.path / "receipts" / f"{shard_number(number)}.json"

    def running_path(self, number: int) -> Path:
        """Where it stands which worker scores a shard."""
        return self.path / "running" / f"{shard_number(number)}.json"

    def failure_path(self, number: int) -> Path:
        """Where a shard's last failure stands."""
        return self.path / "failures" / f"{shard_number(number)}.json"

    def output_path(self, label: str, number: int) -> Path:
        """Where a shard's scores of a label lie."""
        return self.path / "output" / label / f"part-{shard_number(number)}.parquet"

    def quarantine_path(self, number: int) -> Path:
        """Where a shard's rows that could not be scored lie."""
        return self.path / "quarantine" / f"part-{shard_number(number)}.parquet"

    def log_path(self, label: str) -> Path:
        """Where this process logs its shards of a label."""
        return self.path / "logs" / label / f"{worker_name()}.log"


def worker_name() -> str:
    """Return what tells this process from all others of the run: its host and pid."""
    return f"{socket.gethostname()}-{os.getpid()}"


def find_run_folders(output_path: Path, run_name: str, sample: str) -> list[RunFolder]:
    """Return the finished run folders below `output_path` of that run name and sample, newest manifest first."""
    folders = []
    for path in output_path.iterdir() if output_path.is_dir() else ():
        name = parse_run_folder_name(path.name)
        if name is not None and (name.run_name, name.sample) == (run_name, sample):
            folders.append(RunFolder(path))
    finished = [folder for folder in folders if folder.manifest_path.is_file()]
    return sorted(finished, key=lambda folder: folder.manifest_path.stat().st_mtime_ns, reverse=True)

"""Where each file of a run lies.

manifest.json                       written last
plan.parquet                        written once; again only when the sample or a model's copy has moved
receipts/00042.json                 written last for each shard
output/<LABEL>/part-00042.parquet   tweet_id, score
quarantine/part-00042.parquet       tweet_id, text, reason; only for shards that have such rows
certificate.json                    of a screened run: what its screening promises
screening/                          and what that follows from: draws, their scores, the first stage
launch/<token>/holder.json          which launch works on the folder; beside it, the files that are being made
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

from tasks.core.base.naming.file_names import CERTIFICATE_FILE, SCREENING_FOLDER
from tasks.core.base.naming.run_names import (
    FAILURES_FOLDER,
    JOB_ENDINGS_FILE,
    LAUNCH_FOLDER,
    LOGS_FOLDER,
    MANIFEST_FILE,
    OUTPUT_FOLDER,
    PLAN_FILE,
    QUARANTINE_FOLDER,
    RECEIPTS_FOLDER,
    RESOURCES_FILE,
    RUNNING_FOLDER,
    SLURM_FOLDER,
    SUMMARY_FILE,
    VERIFIED_FILE,
    logs_folder,
    parse_run_folder_name,
    part_file,
    shard_record,
    worker_log,
)


@dataclass(frozen=True)
class RunFolder:
    """A run folder's paths."""

    path: Path

    @property
    def manifest_path(self) -> Path:
        """Where the manifest lies."""
        return self.path / MANIFEST_FILE

    @property
    def plan_path(self) -> Path:
        """Where the plan lies."""
        return self.path / PLAN_FILE

    @property
    def verified_path(self) -> Path:
        """Where it stands when all of the run was read and found sound."""
        return self.path / VERIFIED_FILE

    @property
    def resources_path(self) -> Path:
        """Where it stands which cluster, memory and time the last launch was given."""
        return self.path / RESOURCES_FILE

    @property
    def summary_path(self) -> Path:
        """Where the summary for a person lies."""
        return self.path / LOGS_FOLDER / SUMMARY_FILE

    @property
    def certificate_path(self) -> Path:
        """Where it stands what the screening promises."""
        return self.path / CERTIFICATE_FILE

    @property
    def screening_path(self) -> Path:
        """Where the draws of a screening lie, their scores and the first stage."""
        return self.path / SCREENING_FOLDER

    @property
    def launch_path(self) -> Path:
        """Where the launch that works on the folder has its place, named by its token."""
        return self.path / LAUNCH_FOLDER

    @property
    def receipts_folder(self) -> Path:
        """Where the receipts lie."""
        return self.path / RECEIPTS_FOLDER

    @property
    def running_folder(self) -> Path:
        """Where the markers of shards that are being scored lie."""
        return self.path / RUNNING_FOLDER

    @property
    def failures_folder(self) -> Path:
        """Where the markers of shards that failed lie."""
        return self.path / FAILURES_FOLDER

    @property
    def job_endings_path(self) -> Path:
        """Where it stands how lost SLURM jobs ended, a line each."""
        return logs_folder(self.path, SLURM_FOLDER) / JOB_ENDINGS_FILE

    def receipt_path(self, number: int) -> Path:
        """Where a shard's receipt lies."""
        return self.path / receipt_name(number)

    def receipt_names(self) -> set[str]:
        """Return the names of the receipts that are there: one look, however many shards there are."""
        folder = self.receipts_folder
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def running_path(self, number: int) -> Path:
        """Where it stands which worker scores a shard."""
        return self.running_folder / shard_record(number)

    def failure_path(self, number: int) -> Path:
        """Where a shard's last failure stands."""
        return self.failures_folder / shard_record(number)

    def output_path(self, label: str, number: int) -> Path:
        """Where a shard's scores of a label lie."""
        return self.path / output_name(label, number)

    def quarantine_path(self, number: int) -> Path:
        """Where a shard's rows that could not be scored lie."""
        return self.path / quarantine_name(number)

    def log_path(self, label: str, worker: str) -> Path:
        """Where a worker logs its shards of a label."""
        return logs_folder(self.path, label) / worker_log(worker)


def receipt_name(number: int) -> str:
    """Return where a shard's receipt lies, as a path in the run folder."""
    return f"{RECEIPTS_FOLDER}/{shard_record(number)}"


def output_name(label: str, number: int) -> str:
    """Return where a shard's scores of a label lie, as a path in the run folder."""
    return f"{OUTPUT_FOLDER}/{label}/{part_file(number)}"


def quarantine_name(number: int) -> str:
    """Return where a shard's rows that could not be scored lie, as a path in the run folder."""
    return f"{QUARANTINE_FOLDER}/{part_file(number)}"


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

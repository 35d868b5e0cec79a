"""A run folder's name, those of the files and folders in it, and of shards, attempts and launches."""

import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.naming.round_names import checkpoint_alias

# A run folder.
PLAN_FILE = "plan.parquet"
MANIFEST_FILE = "manifest.json"
VERIFIED_FILE = "verified.json"
RESOURCES_FILE = "resources.json"
LAUNCH_FOLDER = "launch"
HOLDER_FILE = "holder.json"
SUMMARY_FILE = "summary.md"
JOB_ENDINGS_FILE = "jobs.jsonl"
PROBE_FILE = ".probe"
OUTPUT_FOLDER = "output"
QUARANTINE_FOLDER = "quarantine"
RECEIPTS_FOLDER = "receipts"
RUNNING_FOLDER = "running"
FAILURES_FOLDER = "failures"
LOGS_FOLDER = "logs"
SLURM_FOLDER = "slurm"

# Names that other libraries give.
RUN_FOLDER = re.compile(
    r"^iter_(?P<iteration>.+?)-(?P<run_name>[A-Za-z0-9_]+)-(?P<run_id>[0-9a-f]{12})-(?P<sample>[A-Za-z0-9_]+)$"
)

ATTEMPT_FOLDER = re.compile(r"^\.(?P<attempt>(?P<shard>\d{5,})-[0-9a-f]{32})\.tmp$")


@dataclass(frozen=True)
class RunFolderName:
    """The parts of a run folder's name; `iteration` carries the method's suffix and no leading `iter`."""

    iteration: str
    run_name: str
    run_id: str
    sample: str

    def __str__(self) -> str:
        return f"iter_{self.iteration}-{self.run_name}-{self.run_id}-{self.sample}"


def run_folder_name(iteration: str, method: int, run_name: str, run_id: str, sample: str) -> str:
    """Return `iter_0-main-3f9a0c11d2e4-evaluation`."""
    number = checkpoint_alias(iteration, method).removeprefix("iter")
    return str(RunFolderName(number, run_name, run_id, sample))


def parse_run_folder_name(name: str) -> RunFolderName | None:
    """Return the parts of a run folder's name, or None when `name` is not one."""
    match = RUN_FOLDER.match(name)
    return RunFolderName(**match.groupdict()) if match else None


def shard_number(number: int) -> str:
    """Return a shard's number as it stands in file names: `00042`."""
    return f"{number:05d}"


def shard_record(number: int) -> str:
    """Return the name of a shard's receipt and markers: `00042.json`."""
    return f"{shard_number(number)}.json"


def part_file(number: int) -> str:
    """Return the name of a shard's scores: `part-00042.parquet`."""
    return f"part-{shard_number(number)}.parquet"


def parse_shard(name: str) -> int | None:
    """Return the number of the shard that a receipt, marker or part is of, or None when `name` is none of them."""
    digits = name.partition(".")[0].removeprefix("part-")
    return int(digits) if digits.isdecimal() else None


def new_attempt(number: int) -> str:
    """Return a name for a new attempt at a shard, which no other attempt has."""
    return f"{shard_number(number)}-{uuid.uuid4().hex}"


def attempted_shard(attempt: str) -> int:
    """Return the number of the shard that an attempt is at."""
    return int(attempt.partition("-")[0])


def attempt_folder(attempt: str) -> str:
    """Return the name of the folder of an attempt's own files."""
    return f".{attempt}.tmp"


def parse_attempt(name: str) -> str | None:
    """Return the attempt whose folder has this name, or None when it is none."""
    match = ATTEMPT_FOLDER.match(name)
    return match["attempt"] if match else None


def ended_launch_folder(token: str) -> str:
    """Return the name under which the place of a launch that ended is put aside."""
    return f".{LAUNCH_FOLDER}.{token}.ended.tmp"


def coming_launch_folder(token: str) -> str:
    """Return the name under which a launch makes its place before it holds the folder."""
    return f".{LAUNCH_FOLDER}.{token}.tmp"


def ranking_spill() -> str:
    """Return a new name for what of a ranking does not fit into memory; a launch removes what a killed one left."""
    return f".ranking.{uuid.uuid4().hex}.tmp"


def worker_log(worker: str) -> str:
    """Return the name of a worker's log."""
    return f"{worker}.log"


def logs_folder(path: Path, of: str) -> Path:
    """Return where the logs of a flow, or of SLURM, lie below a work path or run folder."""
    return path / LOGS_FOLDER / of

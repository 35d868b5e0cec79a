"""How SLURM jobs of a run ended, as the flow that had submitted them wrote it down."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from pydantic import TypeAdapter

from tasks.core.runs.folder import RunFolder

_LINE = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class JobEnding:
    """One job that ended while the run still needed it."""

    job: str
    state: str
    """SLURM says TIMEOUT, NODE_FAIL, OUT_OF_MEMORY, FAILED, CANCELLED or COMPLETED; `unknown` is a forgotten job."""
    reason: str
    exit_code: str
    node: str
    seen_at: str

    def __str__(self) -> str:
        details = [part for part in (self.reason, f"exit code {self.exit_code}" * bool(self.exit_code)) if part]
        where = f" on {self.node}" if self.node else ""
        return f"SLURM job {self.job} ended {self.state}{where}" + (f" ({', '.join(details)})" if details else "")


@dataclass(frozen=True)
class JobGroup:
    """Jobs that ended in the same way."""

    state: str
    jobs: int
    last: JobEnding


def as_ending(fields: dict[str, str]) -> JobEnding:
    """Return an ending from `job`, `seen_at` and what `scontrol show job` says."""
    reason = fields.get("Reason", "")
    return JobEnding(
        job=fields["job"],
        state=fields.get("JobState", "unknown"),
        reason="" if reason == "None" else reason,
        exit_code=fields.get("ExitCode", ""),
        node=fields.get("NodeList", ""),
        seen_at=fields.get("seen_at", ""),
    )


def read_endings(folder: RunFolder) -> list[JobEnding]:
    """Return the endings in the order in which they were seen; a line that is being written is left out."""
    try:
        lines = folder.job_endings_path.read_bytes().splitlines()
    except (FileNotFoundError, IsADirectoryError):
        return []
    endings = []
    for line in lines:
        try:
            endings.append(as_ending(_LINE.validate_json(line, strict=True)))
        except (ValueError, KeyError):
            continue
    return endings


def group_endings(endings: Iterable[JobEnding]) -> list[JobGroup]:
    """Group endings by their state; the state of most jobs comes first."""
    ordered = sorted(endings, key=lambda ending: (ending.state, ending.seen_at))
    groups = [(state, list(members)) for state, members in groupby(ordered, lambda ending: ending.state)]
    return sorted((JobGroup(state, len(members), members[-1]) for state, members in groups), key=lambda one: -one.jobs)

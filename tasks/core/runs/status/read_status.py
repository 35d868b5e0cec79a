"""Where a run stands, read from its folder alone: no server, no worker and no sample is asked."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming.file_names import DRAWS
from tasks.core.base.naming.run_names import parse_run_folder_name
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.open_run import continue_command, is_only_planned, open_run
from tasks.core.runs.plan import Plan
from tasks.core.runs.shards.receipts import read_receipts
from tasks.core.runs.shards.wholeness import STATUS, is_whole
from tasks.core.runs.status.failure_groups import FailureGroup, group_failures
from tasks.core.runs.status.job_endings import JobGroup, group_endings, read_endings
from tasks.core.runs.status.markers import Failure
from tasks.core.runs.status.signs_of_life import (
    LaunchSign,
    RunningShard,
    read_launch,
    read_markers,
    read_running_shards,
)


@dataclass(frozen=True)
class RunStatus:
    """Counts of a run's shards and rows, who is at work, what failed, and how to go on."""

    run_folder: str
    run_id: str
    sample: str
    shards: int
    done: int
    running: int
    failed: int
    waiting: int
    rows: int
    rows_done: int
    texts_per_worker_second: float | None
    """The shards that are done were scored at this speed; None before the first one."""
    running_shards: tuple[RunningShard, ...]
    """Shards that workers are at are listed here, the longest at work first."""
    left_shards: tuple[RunningShard, ...]
    """Workers that are gone began these; they are counted as waiting, or as failed where they had failed before."""
    failures: tuple[FailureGroup, ...]
    """Failures are listed also of shards that are being tried again."""
    lost_jobs: tuple[JobGroup, ...]
    """These SLURM jobs ended while the run still needed them."""
    launch: LaunchSign | None
    counts: dict[str, Any] | None
    """The manifest's counts are given here once it stands."""
    screening: dict[str, Any] | None
    """What the manifest says of the run's screening; None before it stands, and in a run without screening."""
    draws: "RunStatus | None"
    """The run that scores the screening's draws stands here; None in a run without any, and before it is planned."""
    certified: bool | None
    """This says whether a certificate stands, after which shards are scored; None in a run without screening."""
    only_planned: bool
    """A dry run planned the run, or a launch that was killed at once: nothing was scored."""
    command: str | None
    """This command goes on with the run; None when the plan does not say which round it is of."""

    @property
    def is_finished(self) -> bool:
        """Whether the manifest stands and every shard's files are there."""
        return self.counts is not None and self.done == self.shards


@dataclass
class _Done:
    """What the receipts of whole shards say."""

    shards: set[int] = field(default_factory=set)
    rows: int = 0
    seconds: float = 0.0


def read_status(path: Path) -> RunStatus:
    """Read where the run in a folder stands; a shard is done when its receipt is of this run and its files are whole.

    Raises:
        RunFolderError: `path` is no run folder.
    """
    plan, folder = open_run(path)
    begun = read_running_shards(folder)  # before the receipts, so that a shard finished meanwhile is done
    failures = read_markers(folder.failures_folder, Failure)
    done = _read_done(plan, folder)
    left = {shard.number for shard in plan.shards} - done.shards
    running = {shard.shard for shard in begun if shard.shard in left and not shard.is_gone}
    failed = {failure.shard for failure in failures if failure.shard in left} - running
    manifest = read_manifest(plan, folder)
    return RunStatus(
        run_folder=str(folder.path),
        run_id=plan.run_id,
        sample=plan.sample_name,
        shards=len(plan.shards),
        done=len(done.shards),
        running=len(running),
        failed=len(failed),
        waiting=len(left - running - failed),
        rows=plan.rows,
        rows_done=done.rows,
        texts_per_worker_second=round(done.rows / done.seconds, 1) if done.seconds else None,
        running_shards=tuple(sorted((s for s in begun if s.shard in running), key=lambda s: -s.seconds)),
        left_shards=tuple(shard for shard in begun if shard.shard in left and shard.is_gone),
        failures=tuple(
            group_failures((f for f in failures if f.shard in left), folder, [use.label for use in plan.engines])
        ),
        lost_jobs=tuple(group_endings(read_endings(folder))),
        launch=read_launch(folder),
        counts=None if manifest is None else manifest["counts"],
        screening=None if manifest is None else manifest.get("screening"),
        draws=_read_draws(plan, folder),
        certified=folder.certificate_path.is_file() if plan.inputs.screening else None,
        only_planned=is_only_planned(folder),
        command=continue_command(plan, folder),
    )


def _read_draws(plan: Plan, folder: RunFolder) -> RunStatus | None:
    """Return where the latest run of the draws stands: each growth is a run of its own, of more rows than the last."""
    if plan.inputs.screening is None or not folder.screening_path.is_dir():
        return None
    found = [_draws_status(path) for path in folder.screening_path.iterdir() if _is_of_draws(path)]
    return max((status for status in found if status), key=lambda status: (status.rows, status.run_id), default=None)


def _is_of_draws(path: Path) -> bool:
    name = parse_run_folder_name(path.name)
    return name is not None and name.run_name == DRAWS


def _draws_status(path: Path) -> RunStatus | None:
    """Return where a run of the draws stands; None where its plan is not whole, for it is then planned anew."""
    try:
        return read_status(path)
    except RunFolderError:
        return None


def _read_done(plan: Plan, folder: RunFolder) -> _Done:
    done = _Done()
    for shard, receipt in read_receipts(plan, folder):
        if receipt is not None and is_whole(plan, folder, shard, receipt, STATUS):
            done.shards.add(shard.number)
            done.rows += receipt.rows_in
            done.seconds += receipt.seconds
    return done

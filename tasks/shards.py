"""Shards as Prefect tasks on workers."""

import errno
from functools import cache
from pathlib import Path

from prefect import task

from tasks.core.base.errors import DiskFullError, LaunchLostError, MachineError
from tasks.core.inference.measuring import Measured, measure
from tasks.core.inference.scoring import score_shard
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import joined
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.core.runs.status.markers import marked
from tasks.retrying import RETRIED

DISK_GONE = (errno.EIO, errno.EROFS, errno.ESTALE, errno.ENOTCONN, errno.ENOTDIR)
"""The system says one of these of a file system with which no shard can be written."""


@task(task_run_name="measure", **RETRIED)
def measure_run(run_folder: str, shard: int) -> Measured:
    """Load the models on a worker and measure a few batches of a shard."""
    folder = RunFolder(Path(run_folder))
    plan = _plan_of(run_folder, folder.plan_path.stat().st_mtime_ns)
    return measure(plan, folder, plan.shards[shard])


@task(task_run_name="shards-from-{shards[0]}", **RETRIED)
def score_block(run_folder: str, shards: tuple[int, ...], token: str | None = None) -> int:
    """Score the block's unfinished shards on a worker, for the launch of that token; return how many rows they have.

    A shard that fails does not keep the later ones from being scored; its error is raised at the end. A disk that is
    full or gone fails them all, and so does a machine that cannot run the models, and a launch that was taken over.
    """
    with joined(Path(run_folder), token):
        return _score_block(run_folder, shards)


def _score_block(run_folder: str, shards: tuple[int, ...]) -> int:
    folder = RunFolder(Path(run_folder))
    plan = _plan_of(run_folder, folder.plan_path.stat().st_mtime_ns)
    todo = unfinished_shards(plan, folder, [plan.shards[number] for number in shards])
    failures: list[Exception] = []
    rows = sum(_score(plan, number, folder, failures) for number in todo)
    if failures:
        raise failures[0]
    return rows


def _score(plan: Plan, number: int, folder: RunFolder, failures: list[Exception]) -> int:
    """Score a shard and return its rows; when it fails, add why to `failures`."""
    try:
        with marked(folder, number):
            return score_shard(plan, plan.shards[number], folder).rows_in
    except Exception as error:
        if (
            isinstance(error, DiskFullError | MachineError | LaunchLostError)
            or getattr(error, "errno", None) in DISK_GONE
        ):
            raise
        failures.append(error)
        return 0


@cache
def _plan_of(run_folder: str, _mtime_ns: int) -> Plan:
    return read_plan(RunFolder(Path(run_folder)))

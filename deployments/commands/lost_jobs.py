"""Shards whose SLURM job ended when no flow was left to write it down: SLURM itself is asked."""

from dataclasses import replace

from infra.errors import ClusterError
from infra.slurm.commands import ENDED, ending, job_reasons
from tasks.core.runs.status.job_endings import as_ending
from tasks.core.runs.status.read_status import RunStatus
from tasks.core.runs.status.signs_of_life import RunningShard


def ask_slurm(status: RunStatus) -> RunStatus:
    """Return the status with the endings that SLURM still knows; where there is no SLURM, or no question, as it is."""
    shards = (*status.running_shards, *status.left_shards)
    unknown = {shard.slurm_job for shard in shards if shard.slurm_job and shard.ending is None}
    try:
        unknown -= job_reasons().keys() if unknown else set()
    except ClusterError:
        return status
    endings = {job: found for job in unknown if (found := _ended(job))}
    if not endings:
        return status
    told = [_tell(shard, endings) for shard in shards]
    gone = tuple(shard for shard in told if shard.is_gone)
    running = tuple(shard for shard in told if not shard.is_gone)
    moved = status.running - len(running)
    return replace(
        status, running_shards=running, left_shards=gone, running=len(running), waiting=status.waiting + moved
    )


def _ended(job: str) -> str | None:
    fields = ending(job)
    return str(as_ending({"job": job, **fields})) if fields.get("JobState") in ENDED else None


def _tell(shard: RunningShard, endings: dict[str, str]) -> RunningShard:
    known = endings.get(shard.slurm_job or "")
    return replace(shard, ending=known, is_gone=True) if known else shard

"""`winnow status`: where a run stands, for a terminal."""

import json
from dataclasses import asdict
from typing import Any

from tasks.core.base.durations import duration
from tasks.core.base.naming.run_names import shard_number
from tasks.core.base.printable import printable
from tasks.core.runs.status.failure_groups import FailureGroup
from tasks.core.runs.status.job_endings import JobGroup
from tasks.core.runs.status.read_status import RunStatus
from tasks.core.runs.status.signs_of_life import LaunchSign, RunningShard

LONGEST_MESSAGE = 400
"""A failure's message is cut after so many characters; `--json` has all of it."""
DRY = ["a dry run: it is planned, and nothing was scored. To score it:"]
LISTED_SHARDS = 40
"""So many running shards are listed at most; `--json` has them all."""


def describe(status: RunStatus) -> str:
    """Return the status as lines for a terminal; characters that do not print are written as escapes."""
    lines = [
        f"run {status.run_id}, sample '{status.sample}'",
        f"  folder  {status.run_folder}",
        f"  shards  {status.shards:,}: {_states(status)}",
        f"  rows    {status.rows_done:,} of {status.rows:,} done{_share(status)}{_speed(status)}",
        f"  launch  {_launch(status.launch)}",
    ]
    lines += [f"  draws   {_draws(status)}"] * (status.certified is not None)
    lines += _at_work(status)
    return printable("\n".join([*lines, "", *_ending(status)]))


def _at_work(status: RunStatus, of: str = "") -> list[str]:
    """Say who is at which shard and what failed, of the run and of its draws."""
    lines = _shards(f"{_running(status)}{of}", status.running_shards)
    lines += _shards(f"its worker is gone{of}", status.left_shards) + _lost_jobs(status.lost_jobs)
    for group in status.failures:
        lines += _failure(group, of)
    return lines + (_at_work(status.draws, ", of the draws") if status.draws else [])


def _draws(status: RunStatus) -> str:
    """Say how much of a screening's draws is scored; the shards of the run itself are scored after that."""
    draws = status.draws
    if draws is None:
        return "no row is scored for them, and no label is screened" if status.certified else "no row is drawn yet"
    scored = f"{draws.rows_done:,} of {draws.rows:,} drawn rows are scored{_share(draws)}{_speed(draws)}"
    if not draws.is_finished:
        return f"{scored}; {draws.shards:,} shards: {_states(draws)}"
    return f"{scored}; {'the screening is certified' if status.certified else 'the screening is not certified yet'}"


def as_json(status: RunStatus) -> str:
    """Return the status as indented JSON."""
    return json.dumps({"finished": status.is_finished} | asdict(status), indent=2)


def go_on(command: str | None) -> list[str]:
    """Return the lines that say how a run is continued."""
    if command is None:
        return ["  prefect deployment run inference/<round>, with the sample, run_name and limit that the run has"]
    return [f"  {command}"]


def _ending(status: RunStatus) -> list[str]:
    if status.is_finished and status.counts is not None:
        counts = status.counts
        out = ", ".join(f"{label} {rows:,}" for label, rows in counts["rows_out"].items())
        lines = [f"finished: {counts['rows_in']:,} rows in, {counts['rows_quarantined']:,} quarantined; out: {out}"]
        others = {key: value for key, value in counts.items() if isinstance(value, int) and not key.startswith("rows_")}
        lines += [f"  {', '.join(f'{key} {value:,}' for key, value in others.items())}"] * bool(others)
        return lines + screening_lines(status.screening)
    if status.counts is not None:
        return ["a manifest stands, but shards are not what it counts; to score them again:", *go_on(status.command)]
    if status.only_planned:
        return [*DRY, *go_on(status.command)]
    if status.launch is not None and not status.launch.is_gone:
        return ["a launch is at work; when it ends before the run is finished, go on with:", *go_on(status.command)]
    if status.done == status.shards:
        return [
            "all shards are done, the manifest is missing; to balance the run and write it:",
            *go_on(status.command),
        ]
    return ["to go on where it stopped:", *go_on(status.command)]


def screening_lines(screening: dict[str, Any] | None) -> list[str]:
    """Say what a screening promised, what its audit found, and what it saved."""
    if screening is None:
        return []
    lines = [f"screening: {screening['verdict']}; {screening['cost']['sentence']}"]
    for label, said in screening["labels"].items():
        rows = ", ".join(f"{stage} {count:,}" for stage, count in sorted(said["stages"].items()))
        lines += [f"  {label}: {rows}", f"    {said['off'] or said['promise']}"]
        lines += [f"    {said['audit']['sentence']}"] * (said["audit"] is not None)
    return lines


def _states(status: RunStatus) -> str:
    states = {"done": status.done, "running": status.running, "failed": status.failed, "waiting": status.waiting}
    return ", ".join(f"{count:,} {state}" for state, count in states.items())


def _share(status: RunStatus) -> str:
    return f" ({status.rows_done / status.rows:.1%})" if status.rows else ""


def _speed(status: RunStatus) -> str:
    speed = status.texts_per_worker_second
    return "" if speed is None else f", {speed:,.1f} texts a second per worker so far"


def _launch(launch: LaunchSign | None) -> str:
    if launch is None:
        return "none works on the folder"
    last = f"process {launch.pid} on {launch.host}, since {launch.started_at}"
    if launch.is_gone:
        return f"none works on the folder; the last was {last}, and was killed"
    return f"{last}, last sign of life {duration(launch.silent_seconds)} ago"


def _running(status: RunStatus) -> str:
    if status.launch is not None and not status.launch.is_gone:
        return "running"
    return "running, or left by workers of other hosts that are gone, for no launch works on the folder"


def _shards(title: str, shards: tuple[RunningShard, ...]) -> list[str]:
    if not shards:
        return []
    lines = [f"  {one.worker}  shard {shard_number(one.shard)}, {_since(one)}" for one in shards[:LISTED_SHARDS]]
    more = len(shards) - LISTED_SHARDS
    return ["", f"{title}:", *lines] + ([f"  and {more:,} more"] if more > 0 else [])


def _since(shard: RunningShard) -> str:
    if not shard.is_gone:
        return f"for {duration(shard.seconds)}"
    return f"begun {duration(shard.seconds)} ago" + (f"; {shard.ending}" if shard.ending else "")


def _lost_jobs(groups: tuple[JobGroup, ...]) -> list[str]:
    """Say how SLURM jobs ended; while the flow ran, each was replaced."""
    if not groups:
        return []
    return [
        "",
        "SLURM jobs that ended early:",
        *(f"  {one.state} {one.jobs:,}; the last: {one.last}" for one in groups),
    ]


def _failure(group: FailureGroup, of: str = "") -> list[str]:
    first = ", ".join(shard_number(shard) for shard in group.first_shards)
    more = ", ..." if group.shards > len(group.first_shards) else ""
    message = " ".join(group.message.split())
    shown = message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}..."
    lines = [
        "",
        f"failed: {group.cause} on {group.shards:,} {'shard' if group.shards == 1 else 'shards'}{of}: {first}{more}",
        f"  last  shard {shard_number(group.shard)} on {group.worker}, {group.failed_at}: {shown}",
    ]
    return lines + [f"  log   {line}" for line in group.log_lines]

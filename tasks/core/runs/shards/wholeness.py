"""Whether a shard is whole: the one answer, for all who ask; they differ in how much they read again.

status     receipts and the sizes of files: no sample is asked
resume     ... and that the sample's file has the rows that were scored; they are read where its state is another
adoption   ... and every byte
manifest   ... and the rows of each part, and every byte that changed since the last manifest
audit      every receipt, footer, id and byte, and the rows of a sample that is still there and claims to be the same
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa

from tasks.core.base.errors import WinnowError
from tasks.core.base.hold import discard
from tasks.core.base.threads import cpu_threads
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.findings import Finding
from tasks.core.runs.shards.make_way import make_way
from tasks.core.runs.shards.part_faults import part_faults
from tasks.core.runs.shards.planned_rows import (
    FileState,
    are_rows_of,
    holds_blank_ids,
    is_planned,
    read_shard,
    state_of,
)
from tasks.core.runs.shards.receipt_faults import (
    is_foreign,
    no_receipt,
    other_rows,
    receipt_fault,
    receipt_faults,
    require_same_rows,
)
from tasks.core.runs.shards.receipts import Receipt, read_receipts, write_receipt

LOGGER = logging.getLogger(__name__)
READ_AT_ONCE = 4
"""At most so many shards have their rows in memory while they are read again."""
UNREADABLE = (OSError, pa.ArrowException, WinnowError)


@dataclass(frozen=True)
class Look:
    """How much of a shard is read again, beside its receipt and the sizes of its files."""

    states: Mapping[str, FileState | None] | None = None
    """The states of the sample's files, by name: where the receipt names another, rows are read; None asks no file."""
    footers: bool = False
    """The footer of each part must give its rows, and the run, shard, label and engine of its place."""
    bytes_since_ns: int | None = None
    """Files changed at this time (nanoseconds of the epoch) or later must have their sha256, also where their own time
    was set back; None checks no file."""
    ids: bool = False
    """The parts of all labels must have the same ids in the same order."""
    rows: bool = False
    """Where the sample's file is there and claims to be the one that was read, its rows must be those of then."""


STATUS = Look()
AUDIT = Look(footers=True, bytes_since_ns=0, ids=True, rows=True)


def resume(plan: Plan, shards: Iterable[Shard] | None = None) -> Look:
    """Return the look of a launch at some of the shards, or at all: files are whole, and the sample's as they were.

    Each of the sample's files is asked once for its state.
    """
    inputs = {shard.file: plan.input_path(shard) for shard in (plan.shards if shards is None else shards)}
    return Look(states={name: state_of(path) for name, path in inputs.items()})


def shard_faults(plan: Plan, folder: RunFolder, shard: Shard, receipt: Receipt | None, look: Look) -> Iterator[Finding]:
    """Yield what is wrong with a shard, as far as it is looked at; a shard without any fault is whole."""
    if receipt is None:
        yield no_receipt(folder, shard)
        return
    yield from receipt_faults(plan, folder, shard, receipt)
    if is_foreign(plan, shard, receipt):
        return
    yield from part_faults(plan, folder, receipt, look.footers, look.bytes_since_ns, look.ids)
    if look.states is not None and not has_rows(plan, shard, receipt, look.states[shard.file]):
        yield receipt_fault(shard, "altered", f"{plan.input_path(shard)} was changed after the shard was scored")
    if look.rows and _claims_to_be_the_same(plan, shard, receipt) and _rows_of_then(plan, shard, receipt) is None:
        yield other_rows(plan, shard)


def has_rows(plan: Plan, shard: Shard, receipt: Receipt, state: FileState | None) -> bool:
    """Say whether the shard's file, which is in this state, has the rows that the receipt has the sha256 of.

    A file that cannot be read has them not: who scores the shard then says why. Nor do rows count that 0.1.0, whose
    receipts note no `input_ctime_ns`, scored under ids that are blank today: they are quarantined when scored anew.
    """
    if _is_as_then(receipt, state):
        return True
    rows = _rows_of_then(plan, shard, receipt)
    return rows is not None and (receipt.input_ctime_ns > 0 or not holds_blank_ids(rows))


def _is_as_then(receipt: Receipt, state: FileState | None) -> bool:
    return state == (receipt.input_mtime_ns, receipt.input_ctime_ns)


def _rows_of_then(plan: Plan, shard: Shard, receipt: Receipt) -> pa.Table | None:
    """Return the shard's rows where the receipt has their sha256, else None."""
    try:
        rows = _rows_now(plan, shard)
        return rows if rows is not None and are_rows_of(plan, shard, rows, receipt.input_sha256) else None
    except UNREADABLE:
        return None


def _rows_now(plan: Plan, shard: Shard) -> pa.Table | None:
    """Return the shard's rows; None where its file is not the planned one, or cannot be read."""
    try:
        return read_shard(plan, shard)
    except UNREADABLE:
        return None


def _claims_to_be_the_same(plan: Plan, shard: Shard, receipt: Receipt) -> bool:
    """Say whether the shard's file is there, with the footer and the time of change that it had when it was read.

    Of one that whoever asks may not read, nothing is said.
    """
    try:
        state = state_of(plan.input_path(shard))
        is_timed = bool(plan.inputs.changed_ns.get(shard.file))
        return state is not None and is_planned(plan, shard) and (not is_timed or state[0] == receipt.input_mtime_ns)
    except OSError:
        return False


def is_whole(plan: Plan, folder: RunFolder, shard: Shard, receipt: Receipt | None, look: Look) -> bool:
    """Say whether a shard has none of the faults that a look would find."""
    return next(shard_faults(plan, folder, shard, receipt, look), None) is None


def unfinished_shards(plan: Plan, folder: RunFolder, shards: Sequence[Shard] | None = None) -> list[int]:
    """Return the numbers of those of the shards, or of all the plan's, that are to be scored."""
    judged = _judged(plan, folder, resume(plan, shards), shards)
    return [shard.number for shard, _, whole in judged if not whole]


def _judged(
    plan: Plan, folder: RunFolder, look: Look, shards: Sequence[Shard] | None = None
) -> Iterator[tuple[Shard, Receipt | None, bool]]:
    """Yield each shard with its receipt and whether it is whole, in order; several at once have their rows read."""
    at_once = min(cpu_threads(), READ_AT_ONCE)
    ahead: deque[tuple[Shard, Receipt | None, Callable[[], bool]]] = deque()
    read: set[str] = set()
    with ThreadPoolExecutor(at_once) as pool:
        for shard, receipt in read_receipts(plan, folder, shards):
            whole: Callable[[], bool] = partial(is_whole, plan, folder, shard, receipt, look)
            if _has_other_state(plan, shard, receipt, look):
                _say_first(plan, shard, read)
                read.add(shard.file)
                whole = pool.submit(whole).result
            ahead.append((shard, receipt, whole))
            if len(ahead) > at_once:
                yield _next(ahead)
        while ahead:
            yield _next(ahead)
    if read:
        LOGGER.info("%d files of the sample had another state than before: their rows were read again", len(read))


def _next(
    ahead: deque[tuple[Shard, Receipt | None, Callable[[], bool]]],
) -> tuple[Shard, Receipt | None, bool]:
    shard, receipt, whole = ahead.popleft()
    return shard, receipt, whole()


def _has_other_state(plan: Plan, shard: Shard, receipt: Receipt | None, look: Look) -> bool:
    if receipt is None or look.states is None or is_foreign(plan, shard, receipt):
        return False
    return not _is_as_then(receipt, look.states[shard.file])


def _say_first(plan: Plan, shard: Shard, read: set[str]) -> None:
    if not read:
        LOGGER.info(
            "%s was moved, copied or given other rights since it was scored, or changed: its rows are read again, and "
            "those of other such files",
            plan.input_path(shard),
        )


def renew_and_find_unfinished(plan: Plan, folder: RunFolder, dry_run: bool = False) -> list[int]:
    """Return the same, having noted in receipts the new state of files that were moved only: their rows are the same.

    Else the rows of such files would be read again at each launch. What is left of the unfinished ones is removed, but
    not where the file cannot be read: who scores the shard then says why; nor in a dry run.

    Raises:
        RunFolderError: a shard that was scored has other rows now, in a file that claims to be the planned one.
    """
    unfinished: list[int] = []
    going: list[int] = []
    look = resume(plan)
    states = look.states or {}
    for shard, receipt, whole in _judged(plan, folder, look):
        state = states[shard.file]
        if receipt is None or not whole:
            unfinished.append(shard.number)
            if receipt is None or _may_go(plan, shard, receipt, state):
                going.append(shard.number)
        elif (renewed := with_state(receipt, state)) != receipt:
            write_receipt(renewed, folder)
    if unfinished and not dry_run:
        discard(folder.manifest_path)  # first: it counts shards that are about to go
        make_way(plan, folder, going)
    return unfinished


def _may_go(plan: Plan, shard: Shard, receipt: Receipt, state: FileState | None) -> bool:
    """Say whether a receipt that does not count may go: it is foreign, or the shard's rows are those of then."""
    if is_foreign(plan, shard, receipt) or _is_as_then(receipt, state):
        return True
    now = _rows_now(plan, shard)
    if now is not None:
        require_same_rows(plan, shard, receipt, now)
    return now is not None


def with_state(receipt: Receipt, state: FileState | None) -> Receipt:
    """Return the receipt with its file's present state."""
    mtime_ns, ctime_ns = state or (receipt.input_mtime_ns, 0)
    return replace(receipt, input_mtime_ns=mtime_ns, input_ctime_ns=ctime_ns)

"""Whether a shard is whole: the one answer, for all who ask; they differ in how much they read again.

status     receipts and the sizes of files: no sample is asked
resume     ... and that the sample's file has not changed since
adoption   ... and every byte
manifest   ... and the rows of each part, and every byte that changed since the last manifest
audit      every receipt, footer, id and byte; no sample is asked
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.findings import Finding
from tasks.core.runs.shards.make_way import make_way
from tasks.core.runs.shards.part_faults import part_faults
from tasks.core.runs.shards.planned_rows import read_shard, sha256_of_rows
from tasks.core.runs.shards.receipt_faults import is_foreign, no_receipt, receipt_fault, receipt_faults
from tasks.core.runs.shards.receipts import Receipt, read_receipts, write_receipt


@dataclass(frozen=True)
class Look:
    """How much of a shard is read again, beside its receipt and the sizes of its files."""

    changed_ns: Mapping[str, int] | None = None
    """The times of change of the sample's files, by name, of which the receipt must name its shard's; None: any."""
    footers: bool = False
    """The footer of each part must give its rows, and the run, shard, label and engine of its place."""
    bytes_since_ns: int | None = None
    """Files changed at this time (nanoseconds of the epoch) or later must have their sha256; None checks no file."""
    ids: bool = False
    """The parts of all labels must have the same ids in the same order."""


STATUS = Look()
AUDIT = Look(footers=True, bytes_since_ns=0, ids=True)


def resume(plan: Plan, shards: Iterable[Shard] | None = None) -> Look:
    """Return the look of a launch at some of the shards, or at all: files are whole, and the sample's as they were.

    Each of the sample's files is asked once for its time of change.
    """
    names = {shard.file for shard in (plan.shards if shards is None else shards)}
    inputs = {name: Path(plan.sample_root) / name for name in names}
    return Look(changed_ns={name: path.stat().st_mtime_ns for name, path in inputs.items() if path.is_file()})


def shard_faults(plan: Plan, folder: RunFolder, shard: Shard, receipt: Receipt | None, look: Look) -> Iterator[Finding]:
    """Yield what is wrong with a shard, as far as it is looked at; a shard without any fault is whole."""
    if receipt is None:
        yield no_receipt(folder, shard)
        return
    yield from receipt_faults(plan, shard, receipt)
    if is_foreign(plan, shard, receipt):
        return
    if look.changed_ns is not None and receipt.input_mtime_ns != look.changed_ns.get(shard.file):
        yield receipt_fault(shard, "altered", f"{plan.input_path(shard)} was changed after the shard was scored")
    yield from part_faults(plan, folder, receipt, look.footers, look.bytes_since_ns, look.ids)


def is_whole(plan: Plan, folder: RunFolder, shard: Shard, receipt: Receipt | None, look: Look) -> bool:
    """Say whether a shard has none of the faults that a look would find."""
    return next(shard_faults(plan, folder, shard, receipt, look), None) is None


def unfinished_shards(plan: Plan, folder: RunFolder, shards: Sequence[Shard] | None = None) -> list[int]:
    """Return the numbers of those of the shards, or of all the plan's, that are to be scored."""
    read, look = read_receipts(plan, folder, shards), resume(plan, shards)
    return [shard.number for shard, receipt in read if not is_whole(plan, folder, shard, receipt, look)]


def renew_and_find_unfinished(plan: Plan, folder: RunFolder) -> list[int]:
    """Return the same, having renewed the receipts of shards whose sample file was copied or touched only.

    Their rows are read and must be the same to the byte. What is left of the unfinished ones is removed.
    """
    unfinished, look = [], resume(plan)
    for shard, receipt in read_receipts(plan, folder):
        if is_whole(plan, folder, shard, receipt, look):
            continue
        renewed = None if receipt is None else _renewed(plan, shard, receipt)
        if renewed is not None and is_whole(plan, folder, shard, renewed, look):
            write_receipt(renewed, folder)
        else:
            unfinished.append(shard.number)
    make_way(plan, folder, unfinished)
    return unfinished


def _renewed(plan: Plan, shard: Shard, receipt: Receipt) -> Receipt | None:
    """Return the receipt with its file's present time of change, or None when the shard's rows are not its rows."""
    mtime_ns = plan.input_path(shard).stat().st_mtime_ns
    if receipt.input_mtime_ns == mtime_ns or sha256_of_rows(read_shard(plan, shard)) != receipt.input_sha256:
        return None
    return replace(receipt, input_mtime_ns=mtime_ns)

"""The parts of a label in a finished and sound run, each with its rows counted by bins."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.core.base.errors import RunFolderError
from tasks.core.ranking.population import CountedPart
from tasks.core.ranking.scan import side_by_side
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.part_groups import altered, read_groups
from tasks.core.runs.parts import Which
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.score_bins import BINS, FIRST_OF_EXPERT, Integers, count_bins, read_counts
from tasks.core.runs.shards.findings import Finding
from tasks.core.runs.shards.receipts import Receipt, read_receipts
from tasks.core.runs.shards.wholeness import STATUS, shard_faults

SHOWN = 3


def counted_parts(plan: Plan, folder: RunFolder, label: str, which: Which) -> list[CountedPart]:
    """Return the parts of a label, with the counts of all their rows or of those that the expert scored.

    Raises:
        RunFolderError: the plan has no such label, the run is not finished, or its folder is not sound.
    """
    labels = [use.label for use in plan.engines]
    if label not in labels:
        raise RunFolderError(f"{folder.path} has no scores of the label '{label}', but of {', '.join(labels)}.")
    if read_manifest(plan, folder) is None:
        raise RunFolderError(
            f"{folder.path} has no {folder.manifest_path.name} of its run, so the run is not finished, and ranks among "
            f"some of its rows are none. Go on with it: winnow rerun {folder.path}"
        )
    whole = list(_whole(plan, folder))
    return list(side_by_side(lambda pair: _counted(plan, folder, label, which, *pair), whole))


def _whole(plan: Plan, folder: RunFolder) -> Iterator[tuple[Shard, Receipt]]:
    faults: list[Finding] = []
    for shard, receipt in read_receipts(plan, folder):
        faults += shard_faults(plan, folder, shard, receipt, STATUS)
        if receipt is not None:
            yield shard, receipt
    if faults:
        said = "\n".join(f"  {fault}" for fault in faults[:SHOWN])
        raise RunFolderError(
            f"{folder.path} is not sound, so nothing is ranked by it: {len(faults)} faults, such as\n{said}\n"
            f"Run `winnow verify {folder.path}`, then go on with the run: winnow rerun {folder.path}"
        )


def _counted(plan: Plan, folder: RunFolder, label: str, which: Which, shard: Shard, receipt: Receipt) -> CountedPart:
    path, rows = folder.output_path(label, shard.number), receipt.rows_out[label]
    bins, counts = _in_receipt(receipt, label) or _in_part(path, rows)
    if which == "expert":
        first = np.searchsorted(bins, FIRST_OF_EXPERT)
        bins, counts = bins[first:], counts[first:]
    name = f"{plan.inputs.file_digests[shard.file]}:{shard.start}"
    return CountedPart(shard.number, path, name, rows, bins, counts)


def _in_receipt(receipt: Receipt, label: str) -> tuple[Integers, Integers] | None:
    return read_counts(receipt.score_counts[label]) if receipt.score_counts else None


def _in_part(path: Path, rows: int) -> tuple[Integers, Integers]:
    """Count the rows of a part of an earlier version, whose receipt does not: all of its scores are read."""
    counts = np.zeros(BINS, dtype=np.int64)
    for group in read_groups(path):
        counts += count_bins(group.scores)
    if counts.sum() != rows:
        raise altered(path, f"it has {counts.sum()} rows, but its receipt says {rows}")
    bins = np.flatnonzero(counts)
    return bins, counts[bins]

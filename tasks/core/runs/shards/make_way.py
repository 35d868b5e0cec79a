"""Remove what is left of shards that are not whole, before they are scored again."""

from collections.abc import Iterable

from tasks.core.base.hold import discard
from tasks.core.base.naming.run_names import parse_shard
from tasks.core.base.syncing import fsync
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan


def make_way(plan: Plan, folder: RunFolder, unfinished: Iterable[int]) -> None:
    """Remove receipts and parts of these shards: a part of theirs could be taken for one of the next attempt's.

    Receipts go first, and each folder is looked at once, however many shards there are.
    """
    numbers = set(unfinished)
    parts = [folder.output_path(use.label, 0).parent for use in plan.engines]
    for place in (folder.receipts_folder, *parts, folder.quarantine_path(0).parent):
        if numbers and place.is_dir():
            for path in sorted(path for path in place.iterdir() if parse_shard(path.name) in numbers):
                discard(path)
            fsync(place)  # what somebody else removed is to stay away, too

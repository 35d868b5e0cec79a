"""Shards that an earlier run scored in the very same way: after files were added to a sample, theirs are not lost."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from tasks.core.base.naming.run_names import parse_run_folder_name
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import count_scores, provenance, read_part, write_part
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.shards.attempts import attempt
from tasks.core.runs.shards.planned_rows import FileState
from tasks.core.runs.shards.receipts import Receipt, read_receipts
from tasks.core.runs.shards.wholeness import Look, has_rows, is_whole, resume, with_state

ShardKey = tuple[str, str, int, int]
"""A shard is told by the name and digest of its file, and by its first and last row."""
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taken:
    """A shard of an earlier run, read whole."""

    key: ShardKey
    receipt: Receipt
    tables: dict[str, pa.Table]
    """The scores of each label."""
    quarantined: pa.Table | None


def adopt_shards(plan: Plan, folder: RunFolder, unfinished: Sequence[int]) -> set[int]:
    """Copy scores of unfinished shards from other folders of the same run name and sample; return which.

    Only from runs whose inputs score alike: there the shard would get the same bytes of scores. Its rows are those that
    were scored: they are read and compared, unless the file's state is that of then. The copies name this run.
    """
    if plan.inputs.screening:
        return set()  # each run's own certificate says what its shards may have left out
    wanted = {_key(plan, plan.shards[number]): plan.shards[number] for number in unfinished}
    adopted: set[int] = set()
    states = resume(plan, list(wanted.values())).states or {}
    for earlier in _siblings(folder) if wanted else ():
        for taken in _takable(plan, earlier, wanted, states):
            own = wanted.pop(taken.key)
            _copy(plan, own, folder, taken)
            adopted.add(own.number)
    return adopted


def _whole_shards(plan: Plan, folder: RunFolder, shards: list[Shard]) -> Iterator[tuple[Shard, Receipt]]:
    look = Look(bytes_since_ns=0)
    for shard, receipt in read_receipts(plan, folder, shards):
        if receipt is not None and is_whole(plan, folder, shard, receipt, look):
            yield shard, receipt


def _key(plan: Plan, shard: Shard) -> ShardKey:
    return shard.file, plan.inputs.file_digests[shard.file], shard.start, shard.stop


def _siblings(folder: RunFolder) -> Iterator[RunFolder]:
    """Return the other folders of the same run name and sample."""
    own = parse_run_folder_name(folder.path.name)
    for path in sorted(folder.path.parent.iterdir()):
        name = parse_run_folder_name(path.name)
        if own is None or name is None or path == folder.path:
            continue
        if (name.run_name, name.sample) == (own.run_name, own.sample):
            yield RunFolder(path)


def _takable(
    plan: Plan, earlier: RunFolder, wanted: Mapping[ShardKey, Shard], states: Mapping[str, FileState | None]
) -> Iterator[Taken]:
    """Yield the wanted shards of another run with their tables; nothing, or no more, from one that is broken.

    Their rows are those that were scored: they are read and compared, unless the file's state is that of then.
    Whatever is wrong with it, it is not this run's; `winnow verify` says what it is.
    """
    try:
        if not earlier.plan_path.is_file():
            return
        other = read_plan(earlier)
        if not other.inputs.scores_like(plan.inputs):
            return
        shared = [shard for shard in other.shards if _key(other, shard) in wanted]
        for shard, receipt in _whole_shards(other, earlier, shared):
            own = wanted[_key(other, shard)]
            if not has_rows(plan, own, receipt, states[own.file]):
                continue
            tables = {use.label: read_part(earlier.output_path(use.label, shard.number)) for use in plan.engines}
            bad = read_part(earlier.quarantine_path(shard.number)) if receipt.rows_quarantined else None
            variants = {use.label: receipt.variants[use.label] for use in plan.engines}
            taken = replace(with_state(receipt, states[own.file]), variants=variants)
            yield Taken(_key(other, shard), taken, tables, bad)
    except Exception as error:  # noqa: BLE001 - a sibling's faults are of any kind, and never this run's
        LOGGER.warning("nothing more is taken over from %s: %r", earlier.path, error)


def _copy(plan: Plan, shard: Shard, folder: RunFolder, taken: Taken) -> None:
    """Write the earlier run's parts as this shard's, and its receipt."""
    with attempt(folder, shard) as tried:
        for use in plan.engines:
            content = provenance(plan, use, shard.number, taken.receipt.variants[use.label])
            write_part(taken.tables[use.label], tried.own(folder.output_path(use.label, shard.number)), content)
        if taken.quarantined is not None:
            write_part(taken.quarantined, tried.own(folder.quarantine_path(shard.number)))
        counts = {label: count_scores(table) for label, table in taken.tables.items()}
        tried.commit(plan, replace(taken.receipt, shard=shard.number, run_id=plan.run_id, score_counts=counts))

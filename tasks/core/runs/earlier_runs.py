"""Shards that an earlier run scored in the very same way: after files were added to a sample, theirs are not lost."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tasks.core.base.errors import FormatError, RunFolderError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.naming import parse_run_folder_name
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import provenance, read_part, write_part
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.shards.receipts import Receipt, read_receipts, write_receipt
from tasks.core.runs.shards.wholeness import Look, has_rows, is_whole, resume, with_state

ShardKey = tuple[str, str, int, int]
"""A shard is told by the name and digest of its file, and by its first and last row."""


def adopt_shards(plan: Plan, folder: RunFolder, unfinished: Sequence[int]) -> set[int]:
    """Copy scores of unfinished shards from other folders of the same run name and sample; return which.

    Only from runs whose inputs score alike: there the shard would get the same bytes of scores. Its rows are those that
    were scored: they are read and compared, unless the file's state is that of then. The copies name this run.
    """
    wanted = {_key(plan, plan.shards[number]): plan.shards[number] for number in unfinished}
    adopted: set[int] = set()
    states = resume(plan, list(wanted.values())).states or {}
    for other, earlier in _earlier_runs(folder, plan) if wanted else ():
        shared = [shard for shard in other.shards if _key(other, shard) in wanted]
        for shard, receipt in _whole_shards(other, earlier, shared):
            own = wanted[_key(other, shard)]
            if has_rows(plan, own, receipt, states[own.file]):
                _copy(plan, own, folder, with_state(receipt, states[own.file]), earlier)
                adopted.add(wanted.pop(_key(other, shard)).number)
    return adopted


def _whole_shards(plan: Plan, folder: RunFolder, shards: list[Shard]) -> Iterator[tuple[Shard, Receipt]]:
    look = Look(bytes_since_ns=0)
    with suppress(FormatError):  # of a newer version: there is nothing to take from it
        for shard, receipt in read_receipts(plan, folder, shards):
            if receipt is not None and is_whole(plan, folder, shard, receipt, look):
                yield shard, receipt


def _key(plan: Plan, shard: Shard) -> ShardKey:
    return shard.file, plan.inputs.file_digests[shard.file], shard.start, shard.stop


def _earlier_runs(folder: RunFolder, plan: Plan) -> Iterator[tuple[Plan, RunFolder]]:
    own = parse_run_folder_name(folder.path.name)
    for path in sorted(folder.path.parent.iterdir()):
        name = parse_run_folder_name(path.name)
        if own is None or name is None or path == folder.path or not RunFolder(path).plan_path.is_file():
            continue
        if (name.run_name, name.sample) == (own.run_name, own.sample):
            try:
                other = read_plan(RunFolder(path))
            except (RunFolderError, FormatError):  # torn, or of another version: there is nothing to take from it
                continue
            if other.inputs.scores_like(plan.inputs):
                yield other, RunFolder(path)


def _copy(plan: Plan, shard: Shard, folder: RunFolder, receipt: Receipt, earlier: RunFolder) -> None:
    """Write the earlier run's parts as this shard's, and its receipt last."""
    paths = []
    for use in plan.engines:
        table = read_part(earlier.output_path(use.label, receipt.shard))
        content = provenance(plan, use, shard.number, receipt.variants[use.label])
        paths.append(write_part(table, folder.output_path(use.label, shard.number), content))
    folder.quarantine_path(shard.number).unlink(missing_ok=True)
    if receipt.rows_quarantined:
        table = read_part(earlier.quarantine_path(receipt.shard))
        paths.append(write_part(table, folder.quarantine_path(shard.number)))
    names: dict[str, Path] = {path.relative_to(folder.path).as_posix(): path for path in paths}
    own = replace(
        receipt,
        shard=shard.number,
        run_id=plan.run_id,
        files={name: path.stat().st_size for name, path in names.items()},
        sha256={name: sha256_of_file(path) for name, path in names.items()},
    )
    write_receipt(own, folder)

"""Shards that an earlier run scored in the very same way: after files were added to a sample, theirs are not lost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.naming import parse_run_folder_name
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import provenance, read_part, write_part
from tasks.core.runs.plan import Plan, Shard, read_plan
from tasks.core.runs.receipts import Receipt, finished_receipts, unfinished_shards, write_receipt

ShardKey = tuple[str, str, int, int]
"""Name and digest of the file, first and last row."""


def adopt_shards(plan: Plan, folder: RunFolder) -> int:
    """Copy scores of unfinished shards from other folders of the same run name and sample; return how many.

    Only from runs of the same engines, libraries and settings: there the shard would get the same bytes of scores. The
    copies name this run.
    """
    wanted = {_key(plan, plan.shards[number]): plan.shards[number] for number in _unfinished(plan, folder)}
    adopted = 0
    for other, earlier in _earlier_runs(folder, plan) if wanted else ():
        known = {shard.number: _key(other, shard) for shard in other.shards}
        shared = [shard for shard in other.shards if known[shard.number] in wanted]
        for receipt in finished_receipts(replace(other, sample_root=plan.sample_root), earlier, shared):
            if _is_untouched(receipt, earlier):
                _copy(plan, wanted.pop(known[receipt.shard]), folder, receipt, earlier)
                adopted += 1
    return adopted


def _is_untouched(receipt: Receipt, folder: RunFolder) -> bool:
    return all(sha256_of_file(folder.path / name) == sha256 for name, sha256 in receipt.sha256.items())


def _unfinished(plan: Plan, folder: RunFolder) -> list[int]:
    return unfinished_shards(plan, finished_receipts(plan, folder))


def _key(plan: Plan, shard: Shard) -> ShardKey:
    return shard.file, plan.file_digests[shard.file], shard.start, shard.stop


def _earlier_runs(folder: RunFolder, plan: Plan) -> Iterator[tuple[Plan, RunFolder]]:
    own = parse_run_folder_name(folder.path.name)
    for path in sorted(folder.path.parent.iterdir()):
        name = parse_run_folder_name(path.name)
        if own is None or name is None or path == folder.path or not (path / "plan.parquet").is_file():
            continue
        if (name.run_name, name.sample) == (own.run_name, own.sample):
            try:
                other = read_plan(RunFolder(path))
            except (RunFolderError, TypeError):  # torn, or of another version: there is nothing to take from it
                continue
            if _scoring(other) == _scoring(plan):
                yield other, RunFolder(path)


def _scoring(plan: Plan) -> list[Any]:
    """Return what a shard's scores follow from, beside its rows."""
    engines = [(use.label, use.digest) for use in plan.engines]
    columns = plan.id_column, plan.text_column, plan.preprocessing, plan.max_length_tokens
    return [engines, plan.batch_tokens, plan.fall_back_to_fp32, plan.libraries, columns]


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

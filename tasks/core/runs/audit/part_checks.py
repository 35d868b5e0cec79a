"""Check a shard's files against its receipt: footer, rows, provenance, ids, size and checksum."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.core.base.files import sha256_of_file
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.runs.audit.findings import Finding, score_again
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMNS, provenance, read_part
from tasks.core.runs.plan import Plan
from tasks.core.runs.receipts import Receipt


def check_parts(plan: Plan, folder: RunFolder, receipt: Receipt) -> Iterator[Finding]:
    """Check every file of a shard; of a file with several faults, the first is named."""
    sound = []
    for use in plan.engines:
        path = folder.output_path(use.label, receipt.shard)
        found = check_part(
            path,
            folder,
            receipt,
            provenance(plan, use, receipt.shard, receipt.variants.get(use.label)),
            receipt.rows_out.get(use.label),
        )
        sound += [path] if found is None else []
        yield from () if found is None else (found,)
    yield from _check_ids(sound, folder, receipt)
    if receipt.rows_quarantined:
        path = folder.quarantine_path(receipt.shard)
        found = check_part(path, folder, receipt, {}, receipt.rows_quarantined)
        yield from () if found is None else (found,)


def check_part(
    path: Path, folder: RunFolder, receipt: Receipt, content: dict[str, Any], rows: int | None
) -> Finding | None:
    """Return what is wrong with one file of a shard, or None."""
    name, advice = path.relative_to(folder.path).as_posix(), score_again(folder, receipt.shard)
    try:
        footer, found = read_footer(path)
    except FileNotFoundError:
        return Finding("missing", name, "the file is not there", advice)
    except UnreadableParquetError as error:
        return Finding("torn", name, f"it cannot be read as Parquet: {error}", advice)
    if problem := _wrong_place(found, content):
        return Finding("misplaced", name, problem, advice)
    if footer.num_rows != rows:
        return Finding("miscounted", name, f"it has {footer.num_rows} rows, but its receipt says {rows}", advice)
    problem = _altered(path, name, receipt, footer.schema.names if content else SCORE_COLUMNS)
    return Finding("altered", name, problem, advice) if problem else None


def _wrong_place(found: dict[str, Any], content: dict[str, Any]) -> str | None:
    wrong = {key: found.get(key) for key, value in content.items() if found.get(key) != value}
    if wrong and not found:
        return "its metadata does not say which run, shard and label it is of"
    expected = {key: content[key] for key in wrong}
    return f"its metadata says {wrong}, but its place is for {expected}" if wrong else None


def _altered(path: Path, name: str, receipt: Receipt, columns: list[str]) -> str | None:
    size = path.stat().st_size
    if columns != SCORE_COLUMNS:
        return f"its columns are {columns}, not {SCORE_COLUMNS}"
    if size != receipt.files.get(name):
        return f"it has {size} bytes, but its receipt says {receipt.files.get(name)}"
    if sha256_of_file(path) != receipt.sha256.get(name):
        return "its bytes are not those that its receipt has the sha256 of"
    return None


def _check_ids(paths: list[Path], folder: RunFolder, receipt: Receipt) -> Iterator[Finding]:
    """Compare the ids of sound parts with those of the first; two columns of one shard are held at a time."""
    first = None
    for path in paths:
        name, again = path.relative_to(folder.path).as_posix(), score_again(folder, receipt.shard)
        try:
            ids = read_part(path, [ID_COLUMN])
        except (OSError, pa.ArrowException) as error:
            yield Finding("torn", name, f"its ids cannot be read: {error}", again)
            continue
        first = ids if first is None else first
        if not ids.equals(first):
            other = paths[0].relative_to(folder.path).as_posix()
            yield Finding("misplaced", name, f"its ids are not those of {other}, or in another order", again)

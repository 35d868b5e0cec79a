"""What is wrong with a shard's files, beside its receipt: there, size, footer, rows, provenance, checksum, ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.core.base.files import sha256_of_file
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.runs.folder import RunFolder, output_name, quarantine_name
from tasks.core.runs.parts import ID_COLUMN, provenance, read_part, score_columns
from tasks.core.runs.plan import Plan
from tasks.core.runs.shards.findings import Finding, Kind, score_again
from tasks.core.runs.shards.receipts import Receipt, read_receipt


@dataclass(frozen=True)
class _Part:
    """A file of a shard, and what is expected of it."""

    name: str
    """The path of the file in the run folder."""
    path: Path
    receipt: Receipt
    content: dict[str, Any]
    """The file's footer must say at least this; a file of quarantined rows need say nothing."""
    rows: int | None
    columns: list[str] | None = None
    """A part has these columns; a file of quarantined rows is not asked."""

    def fault(self, kind: Kind, problem: str) -> Finding:
        """Say what is wrong with it."""
        return Finding(kind, self.name, problem, score_again(self.receipt.shard))


def part_faults(
    plan: Plan, folder: RunFolder, receipt: Receipt, footers: bool, bytes_since_ns: int | None, ids: bool
) -> Iterator[Finding]:
    """Check every file of a shard as closely as is asked for; of a file with several faults, the first is named."""
    sound = []
    for part in _parts(plan, folder, receipt):
        found = _in_footer(part) if footers else None
        found = found or _in_bytes(part, bytes_since_ns)
        if found is not None:
            yield found
        elif part.content:
            sound.append(part)
    if ids:
        yield from _in_ids(sound)


def is_as_written(folder: RunFolder, number: int, name: str) -> bool:
    """Say whether a shard's file, by its path in the run folder, has the bytes that its receipt has the sha256 of."""
    receipt, path = read_receipt(folder, number), folder.path / name
    return receipt is not None and path.is_file() and receipt.sha256.get(name) == sha256_of_file(path)


def _parts(plan: Plan, folder: RunFolder, receipt: Receipt) -> Iterator[_Part]:
    for use in plan.engines:
        content = provenance(plan, use, receipt.shard, receipt.variants.get(use.label))
        name = output_name(use.label, receipt.shard)
        yield _Part(name, folder.path / name, receipt, content, receipt.rows_out.get(use.label), score_columns(plan))
    if receipt.rows_quarantined:
        name = quarantine_name(receipt.shard)
        yield _Part(name, folder.path / name, receipt, {}, receipt.rows_quarantined)


def _in_footer(part: _Part) -> Finding | None:
    try:
        footer, found = read_footer(part.path)
    except FileNotFoundError:
        return part.fault("missing", "the file is not there")
    except UnreadableParquetError as error:
        return part.fault("torn", f"it cannot be read as Parquet: {error}")
    if problem := _wrong_place(found, part.content):
        return part.fault("misplaced", problem)
    if footer.num_rows != part.rows:
        return part.fault("miscounted", f"it has {footer.num_rows} rows, but its receipt says {part.rows}")
    if part.columns and footer.schema.names != part.columns:
        return part.fault("altered", f"its columns are {footer.schema.names}, not {part.columns}")
    return None


def _wrong_place(found: dict[str, Any], content: dict[str, Any]) -> str | None:
    wrong = {key: found.get(key) for key, value in content.items() if found.get(key) != value}
    if wrong and not found:
        return "its metadata does not say which run, shard and label it is of"
    expected = {key: content[key] for key in wrong}
    return f"its metadata says {wrong}, but its place is for {expected}" if wrong else None


def _in_bytes(part: _Part, since_ns: int | None) -> Finding | None:
    try:
        stat = part.path.stat()
    except FileNotFoundError:
        return part.fault("missing", "the file is not there")
    if stat.st_size != part.receipt.files.get(part.name):
        said = part.receipt.files.get(part.name)
        return part.fault("altered", f"it has {stat.st_size} bytes, but its receipt says {said}")
    if part.name not in part.receipt.sha256:
        return part.fault("altered", "its receipt has no sha256 of it")
    unread = since_ns is None or max(stat.st_mtime_ns, stat.st_ctime_ns) < since_ns
    if not unread and sha256_of_file(part.path) != part.receipt.sha256.get(part.name):
        return part.fault("altered", "its bytes are not those that its receipt has the sha256 of")
    return None


def _in_ids(parts: list[_Part]) -> Iterator[Finding]:
    """Compare the ids of sound parts with those of the first; two columns of one shard are held at a time."""
    first = None
    for part in parts:
        try:
            ids = read_part(part.path, [ID_COLUMN])
        except (OSError, pa.ArrowException) as error:
            yield part.fault("torn", f"its ids cannot be read: {error}")
            continue
        first = ids if first is None else first
        if not ids.equals(first):
            problem = f"its ids are not those of {parts[0].name}, or in another order"
            yield part.fault("misplaced", problem)

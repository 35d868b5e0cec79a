"""Check a shard's files against its receipt: footer, rows, provenance, ids, size and checksum."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.files import sha256_of_file
from tasks.core.inference.findings import Finding, score_again
from tasks.core.inference.plan import METADATA_KEY, EngineUse, Plan
from tasks.core.inference.receipts import Receipt
from tasks.core.inference.run_folder import RunFolder

SCORE_COLUMNS = ["tweet_id", "score"]


class UnreadableParquetError(Exception):
    """A file that is no whole Parquet file."""


def read_footer(path: Path) -> tuple[pq.FileMetaData, dict[str, Any]]:
    """Return a Parquet file's footer and the provenance in it, empty where there is none.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableParquetError: it is no whole Parquet file.
    """
    try:
        footer = pq.read_metadata(path)
        provenance = json.loads((footer.metadata or {}).get(METADATA_KEY, b"{}"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UnreadableParquetError(str(error)) from None
    return footer, provenance if isinstance(provenance, dict) else {}


def check_parts(plan: Plan, folder: RunFolder, receipt: Receipt) -> Iterator[Finding]:
    """Check every file of a shard; of a file with several faults, the first is named."""
    sound = []
    for use in plan.engines:
        path = folder.output_path(use.label, receipt.shard)
        found = check_part(path, folder, receipt, _provenance(plan, use, receipt), receipt.rows_out.get(use.label))
        sound += [path] if found is None else []
        yield from () if found is None else (found,)
    yield from _check_ids(sound, folder, receipt)
    if receipt.rows_quarantined:
        path = folder.quarantine_path(receipt.shard)
        found = check_part(path, folder, receipt, {}, receipt.rows_quarantined)
        yield from () if found is None else (found,)


def check_part(
    path: Path, folder: RunFolder, receipt: Receipt, provenance: dict[str, Any], rows: int | None
) -> Finding | None:
    """Return what is wrong with one file of a shard, or None."""
    name, advice = path.relative_to(folder.path).as_posix(), score_again(folder, receipt.shard)
    try:
        footer, found = read_footer(path)
    except FileNotFoundError:
        return Finding("missing", name, "the file is not there", advice)
    except UnreadableParquetError as error:
        return Finding("torn", name, f"it cannot be read as Parquet: {error}", advice)
    if problem := _wrong_place(found, provenance):
        return Finding("misplaced", name, problem, advice)
    if footer.num_rows != rows:
        return Finding("miscounted", name, f"it has {footer.num_rows} rows, but its receipt says {rows}", advice)
    problem = _altered(path, name, receipt, footer.schema.names if provenance else SCORE_COLUMNS)
    return Finding("altered", name, problem, advice) if problem else None


def _wrong_place(found: dict[str, Any], provenance: dict[str, Any]) -> str | None:
    wrong = {key: found.get(key) for key, value in provenance.items() if found.get(key) != value}
    if wrong and not found:
        return "its metadata does not say which run, shard and label it is of"
    expected = {key: provenance[key] for key in wrong}
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


def _provenance(plan: Plan, use: EngineUse, receipt: Receipt) -> dict[str, Any]:
    return {
        "run_id": plan.run_id,
        "shard": receipt.shard,
        "label": use.label,
        "engine_digest": use.digest,
        "variant": receipt.variants.get(use.label),
    }


def _check_ids(paths: list[Path], folder: RunFolder, receipt: Receipt) -> Iterator[Finding]:
    """Compare the ids of sound parts with those of the first; two columns of one shard are held at a time."""
    first = None
    for path in paths:
        name, again = path.relative_to(folder.path).as_posix(), score_again(folder, receipt.shard)
        try:
            ids = pq.read_table(path, columns=SCORE_COLUMNS[:1])
        except (OSError, pa.ArrowException) as error:
            yield Finding("torn", name, f"its ids cannot be read: {error}", again)
            continue
        first = ids if first is None else first
        if not ids.equals(first):
            other = paths[0].relative_to(folder.path).as_posix()
            yield Finding("misplaced", name, f"its ids are not those of {other}, or in another order", again)

"""The proof that every row is accounted for, and that the files are those that the shards wrote."""

from pathlib import Path
from typing import Any

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.receipts import Receipt

SHOWN_FILES = 5


def balance(plan: Plan, folder: RunFolder, receipts: list[Receipt]) -> dict[str, Any]:
    """Count rows in, rows out of each label as the Parquet footers have them, and rows quarantined.

    Raises:
        RunFolderError: a part cannot be read, or for a label, rows out and rows quarantined do not add up to rows in.
    """
    rows_in = plan.rows
    quarantined = sum(receipt.rows_quarantined for receipt in receipts)
    rows_out = {
        use.label: sum(_rows(folder.output_path(use.label, shard.number)) for shard in plan.shards)
        for use in plan.engines
    }
    for label, rows in rows_out.items():
        if rows + quarantined != rows_in:
            raise RunFolderError(
                f"label '{label}' of {folder.path} does not balance: {rows_in} rows in, but {rows} scored and "
                f"{quarantined} quarantined. Delete the label's output and run the inference flow again."
            )
    return {
        "rows_in": rows_in,
        "rows_out": rows_out,
        "rows_quarantined": quarantined,
        "duplicate_texts": sum(receipt.duplicate_texts for receipt in receipts),
        "empty_texts": sum(receipt.empty_texts for receipt in receipts),
        "truncated_texts": sum(receipt.truncated_texts for receipt in receipts),
        "histograms": {
            use.label: [
                sum(bins) for bins in zip(*(receipt.histograms[use.label] for receipt in receipts), strict=True)
            ]
            for use in plan.engines
        },
    }


def require_unaltered(folder: RunFolder, receipts: list[Receipt], since_ns: int = 0) -> None:
    """Compare the files of the shards that changed at `since_ns` (nanoseconds of the epoch) or later with their sha256.

    Raises:
        RunFolderError: a file is not what its shard wrote.
    """
    expected = {name: sha256 for receipt in receipts for name, sha256 in receipt.sha256.items()}
    altered = [name for name, sha256 in expected.items() if _is_altered(folder.path / name, sha256, since_ns)]
    if altered:
        raise RunFolderError(
            f"{len(altered)} files of {folder.path} are not what their shards wrote: {altered[:SHOWN_FILES]}. Delete "
            "them and run the inference flow again."
        )


def _is_altered(path: Path, sha256: str, since_ns: int) -> bool:
    return path.stat().st_mtime_ns >= since_ns and sha256_of_file(path) != sha256


def _rows(path: Path) -> int:
    try:
        return int(read_footer(path)[0].num_rows)
    except UnreadableParquetError as error:
        raise RunFolderError(
            f"{path} cannot be read as Parquet: {error}. Delete it and run the inference flow again."
        ) from None

"""A shard's receipt: what went in, what came out, and the files that prove it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tasks.core.base.files import read_json, write_json
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.planned_rows import read_shard, sha256_of_rows


@dataclass(frozen=True)
class Receipt:
    """Counts and files of one finished shard."""

    shard: int
    run_id: str
    rows_in: int
    rows_out: dict[str, int]
    """Scores written, by label."""
    variants: dict[str, str]
    """The engine variant that scored, by label."""
    rows_quarantined: int
    duplicate_texts: int
    """Rows whose text an earlier row of the shard has; scored once, written for every id."""
    empty_texts: int
    truncated_texts: int
    """Rows whose text has more tokens than the models read."""
    input_mtime_ns: int
    input_sha256: str
    """Of the shard's ids and texts."""
    files: dict[str, int]
    """Bytes of each file of the shard, by its path in the run folder."""
    sha256: dict[str, str]
    """Checksum of each of those files."""
    histograms: dict[str, list[int]]
    """By label, how many rows have a score in each twentieth from 0 to 1."""
    seconds: float
    """Of the clock, from reading to the last file."""
    engine_seconds: float
    """Of these, in the models."""
    threads: int
    worker: str
    processor: str
    cpu_features: Sequence[str]
    cpu_seconds: float = 0.0
    """Of this process's CPU time in `seconds`, on all threads."""


def write_receipt(receipt: Receipt, folder: RunFolder) -> None:
    """Write the receipt; from here on the shard counts as finished."""
    write_json(folder.receipt_path(receipt.shard), asdict(receipt))


def read_receipt(folder: RunFolder, number: int) -> Receipt | None:
    """Return a shard's receipt, or None when there is none that can be read."""
    try:
        return Receipt(**read_json(folder.receipt_path(number)))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def renew_receipts(plan: Plan, folder: RunFolder) -> None:
    """Renew the receipts of shards whose file was copied or touched, but whose rows are the same to the byte."""
    for shard in plan.shards:
        receipt = read_receipt(folder, shard.number)
        mtime_ns = plan.input_path(shard).stat().st_mtime_ns
        if receipt is None or receipt.input_mtime_ns == mtime_ns:
            continue
        if sha256_of_rows(read_shard(plan, shard)) == receipt.input_sha256:
            write_receipt(replace(receipt, input_mtime_ns=mtime_ns), folder)


def finished_receipts(plan: Plan, folder: RunFolder, shards: Sequence[Shard] | None = None) -> list[Receipt]:
    """Return the receipts of those of the shards, or of all the plan's, that are finished."""
    wanted = plan.shards if shards is None else shards
    inputs = {shard.file: plan.input_path(shard) for shard in wanted}
    mtimes = {name: path.stat().st_mtime_ns for name, path in inputs.items()}
    receipts = ((shard, read_receipt(folder, shard.number)) for shard in wanted)
    return [
        receipt
        for shard, receipt in receipts
        if receipt is not None and _is_whole(receipt, plan, shard, folder, mtimes[shard.file])
    ]


def unfinished_shards(plan: Plan, finished: Iterable[Receipt], shards: Sequence[Shard] | None = None) -> list[int]:
    """Return the numbers of those of the shards, or of all the plan's, that have no valid receipt."""
    done = {receipt.shard for receipt in finished}
    return [shard.number for shard in (plan.shards if shards is None else shards) if shard.number not in done]


def _is_whole(receipt: Receipt, plan: Plan, shard: Shard, folder: RunFolder, mtime_ns: int) -> bool:
    """Say whether a receipt vouches for its shard: same run, input untouched, every file there at its full size."""
    return (
        receipt.run_id == plan.run_id
        and receipt.rows_in == shard.rows
        and receipt.input_mtime_ns == mtime_ns
        and all(_size(folder.path / name) == size for name, size in receipt.files.items())
    )


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None

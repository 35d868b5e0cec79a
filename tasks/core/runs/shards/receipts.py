"""A shard's receipt: what went in, what came out, and the files that prove it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

from pydantic import TypeAdapter

from tasks.core.base.formats import Content, FileFormat, read_record, unchanged, write_record
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard

BINS = 20
"""A receipt's histograms have so many bins, of equal width from 0 to 1."""


@dataclass(frozen=True)
class ScreenedRows:
    """What screening made of a label's rows in a shard."""

    stages: dict[str, int]
    """So many rows have their score from each stage; together they are all rows that were scored."""
    top: int
    """So many rows have an expert's score of the label's top."""
    audited_top: int
    """So many of the audited rows do: they were missed."""


@dataclass(frozen=True)
class Receipt:
    """Counts and files of one finished shard."""

    shard: int
    run_id: str
    rows_in: int
    rows_out: dict[str, int]
    """So many scores were written, by label."""
    variants: dict[str, str]
    """This engine variant scored, by label."""
    rows_quarantined: int
    duplicate_texts: int
    """So many rows have a text that an earlier row of the shard has; it is scored once and written for every id."""
    empty_texts: int
    truncated_texts: int
    """So many rows have a text with more tokens than the models read."""
    input_mtime_ns: int
    input_sha256: str
    """This is the sha256 of the shard's ids and texts."""
    files: dict[str, int]
    """Each file of the shard has so many bytes, by its path in the run folder."""
    sha256: dict[str, str]
    """Each of those files has this checksum."""
    histograms: dict[str, list[int]]
    """Each label has the number of rows with a score in each twentieth from 0 to 1."""
    seconds: float
    """The shard took so long by the clock, from reading the rows to writing the last file."""
    engine_seconds: float
    """So much of `seconds` was spent in the models."""
    threads: int
    worker: str
    processor: str
    cpu_features: Sequence[str]
    cpu_seconds: float = 0.0
    """This process spent so much CPU time within `seconds`, on all threads."""
    input_ctime_ns: int = 0
    """The sample's file or its inode changed last at this time, which no program can set; 0 where it was not noted."""
    attempt: str = ""
    """The parts were written under this name before they were the shard's; see `attempts.py`."""
    screened: dict[str, ScreenedRows] = field(default_factory=dict)
    """Each label says here what screening made of its rows; nothing in a run without screening."""
    stage_seconds: dict[str, float] = field(default_factory=dict)
    """So much of `seconds` was spent in the first stage of a screened run and in each engine, by its first label."""
    stage_rows: dict[str, int] = field(default_factory=dict)
    """Each of these had so many rows to score."""
    certificate: str = ""
    """The certificate by which the shard was screened has this sha256; nothing in a run without screening."""
    score_counts: dict[str, str] = field(default_factory=dict)
    """Each label has all of its scores counted by the bins of `score_bins.py`; no label, where 0.1.0 wrote it."""


RECEIPT = FileFormat(
    kind="receipt",
    number=2,
    schema=Receipt,
    remedy="Look at the folder with the version that made it",
    unnumbered=1,
    migrations={1: unchanged},
)
_TYPES = TypeAdapter(Receipt)
_JSON = TypeAdapter(Content)


def write_receipt(receipt: Receipt, folder: RunFolder) -> None:
    """Write a standing receipt anew; an attempt's own is never written so, for the first one wins."""
    write_record(folder.receipt_path(receipt.shard), RECEIPT, asdict(receipt))


def read_receipt(folder: RunFolder, number: int) -> Receipt | None:
    """Return a shard's receipt, or None when there is none, or one that is torn.

    Raises:
        FormatError: it is of a format that this version does not read.
    """
    try:
        return _TYPES.validate_json(_JSON.dump_json(read_record(folder.receipt_path(number), RECEIPT)), strict=True)
    except (FileNotFoundError, IsADirectoryError, ValueError):
        return None


def read_receipts(
    plan: Plan, folder: RunFolder, shards: Iterable[Shard] | None = None
) -> Iterator[tuple[Shard, Receipt | None]]:
    """Yield each of the shards, or of all the plan's, with its receipt: one is in memory at a time."""
    for shard in plan.shards if shards is None else shards:
        yield shard, read_receipt(folder, shard.number)

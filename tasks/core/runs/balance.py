"""The proof that every row is accounted for: sums over the receipts, beside the rows that the parts really have."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.core.base.errors import RunFolderError
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.shards.receipts import Receipt

SUMMED = ("rows_quarantined", "duplicate_texts", "empty_texts", "truncated_texts")
SECONDS = ("seconds", "cpu_seconds", "engine_seconds")


@dataclass
class Tally:
    """Sums over a run's receipts, added one at a time: 200,000 of them would not fit into memory."""

    plan: Plan
    folder: RunFolder
    sums: Counter[str] = field(default_factory=Counter)
    """The receipts' counts of rows are added up here, by name."""
    rows_out: Counter[str] = field(default_factory=Counter)
    """Each label's parts have so many rows, as their footers say."""
    histograms: dict[str, list[int]] = field(default_factory=dict)
    variants: dict[str, Counter[str]] = field(default_factory=dict)
    """Each engine variant scored so many shards, by label; there are several where some workers fell back to fp32."""
    processors: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)  # of floats
    """The workers spent so many seconds, by name, and `core_seconds`."""
    stages: dict[str, Counter[str]] = field(default_factory=dict)
    """Each stage of a screened run gave so many rows their score, by label."""
    top: Counter[str] = field(default_factory=Counter)
    audited_top: Counter[str] = field(default_factory=Counter)
    """So many audited rows are of a label's top, and so many of all rows that its expert scored."""
    stage_seconds: Counter[str] = field(default_factory=Counter)  # of floats
    """The workers' cores spent so many seconds in each stage."""
    stage_rows: Counter[str] = field(default_factory=Counter)
    """Each stage had so many rows to score."""
    quarantines: list[int] = field(default_factory=list)
    """The shards of these numbers have quarantined rows."""

    def add(self, receipt: Receipt) -> None:
        """Add a whole shard.

        Raises:
            RunFolderError: one of its parts cannot be read.
        """
        self.sums.update({name: getattr(receipt, name) for name in SUMMED})
        self.processors[receipt.processor] += 1
        spent: dict[str, Any] = {name: getattr(receipt, name) for name in SECONDS}
        self.spent.update(spent | {"core_seconds": receipt.seconds * receipt.threads})
        self._add_screening(receipt)
        if receipt.rows_quarantined:
            self.quarantines.append(receipt.shard)
        for use in self.plan.engines:
            self.rows_out[use.label] += _rows(self.folder.output_path(use.label, receipt.shard))
            self.variants.setdefault(use.label, Counter())[receipt.variants[use.label]] += 1
            bins = receipt.histograms[use.label]
            sums = self.histograms.setdefault(use.label, [0] * len(bins))
            self.histograms[use.label] = [old + new for old, new in zip(sums, bins, strict=True)]

    def _add_screening(self, receipt: Receipt) -> None:
        seconds: dict[str, Any] = {name: spent * receipt.threads for name, spent in receipt.stage_seconds.items()}
        self.stage_seconds.update(seconds)
        self.stage_rows.update(receipt.stage_rows)
        for label, rows in receipt.screened.items():
            self.stages.setdefault(label, Counter()).update(rows.stages)
            self.top[label] += rows.top
            self.audited_top[label] += rows.audited_top

    def counts(self) -> dict[str, Any]:
        """Return rows in, rows out of each label, rows quarantined, and what the rows were like.

        Raises:
            RunFolderError: for a label, rows out and rows quarantined do not add up to rows in.
        """
        quarantined = self.sums["rows_quarantined"]
        for label, rows in self.rows_out.items():
            if rows + quarantined != self.plan.rows:
                raise RunFolderError(
                    f"label '{label}' of {self.folder.path} does not balance: {self.plan.rows} rows in, but {rows} "
                    f"scored and {quarantined} quarantined. Delete the label's output and run the inference flow again."
                )
        return {
            "rows_in": self.plan.rows,
            "rows_out": dict(self.rows_out),
            **{name: self.sums[name] for name in SUMMED},
            "histograms": self.histograms,
        }


def _rows(path: Path) -> int:
    try:
        return int(read_footer(path)[0].num_rows)
    except UnreadableParquetError as error:
        raise RunFolderError(
            f"{path} cannot be read as Parquet: {error}. Delete it and run the inference flow again."
        ) from None

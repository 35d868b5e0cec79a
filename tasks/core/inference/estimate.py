"""What a run will cost, from a few measured batches: before hours of a cluster are spent on it."""

import shutil
from dataclasses import dataclass

from tasks.core.base.errors import RunFolderError
from tasks.core.inference.measuring import Measured
from tasks.core.inference.passing import rows_to_draw
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan

SPARE = 1.2
"""So many times the space that the outputs are expected to take must be free."""


@dataclass(frozen=True)
class Estimate:
    """What is left to do, and what it takes."""

    rows: int
    core_hours: float
    hours: float | None
    """The profile's workers take so many hours of the clock; None when their number is not known."""
    output_bytes: int
    free_bytes: int
    engine_share: float
    unscreened_core_hours: float | None = None
    """Without screening the rows would take so many; None in a run without."""
    drawn_rows: int = 0
    """A screening that is not certified yet draws about so many first, which the core-hours hold, too."""
    passing: str = ""
    """This says which shares of the rows are taken to pass the stages of a screening, and by what; else nothing."""

    def lines(self) -> str:
        """Say it for a person."""
        wall = "the workers' number is not known" if self.hours is None else _duration(self.hours)
        return (
            f"{self.rows:,} rows to score: {self.core_hours:,.2f} core-hours ({self.engine_share:.0%} in the models), "
            f"{wall}; outputs of about {_size(self.output_bytes)}, {_size(self.free_bytes)} are free{self._saved()}"
        )

    def _saved(self) -> str:
        if self.unscreened_core_hours is None:
            return ""
        drawn = f"; about {self.drawn_rows:,} drawn rows are scored first" * bool(self.drawn_rows)
        return f"{drawn}; without screening {self.unscreened_core_hours:,.2f} core-hours. {self.passing}"


def estimate(plan: Plan, folder: RunFolder, shards: list[int], measured: Measured, workers: int | None) -> Estimate:
    """Return what the unfinished `shards` take.

    Raises:
        RunFolderError: the outputs do not fit.
    """
    rows = sum(plan.shards[number].rows for number in shards)
    drawn = rows_to_draw(plan, folder)
    seconds = rows * measured.seconds_a_row + drawn * (measured.unscreened_seconds_a_row or 0.0)
    found = Estimate(
        rows=rows,
        core_hours=seconds * measured.threads / 3600,
        hours=None if workers is None else seconds / min(workers, len(shards)) / 3600,
        output_bytes=int(rows * measured.bytes_a_row),
        free_bytes=shutil.disk_usage(folder.path).free,
        engine_share=measured.engine_share,
        drawn_rows=drawn,
        passing=measured.passing,
        unscreened_core_hours=_core_hours(rows, measured.unscreened_seconds_a_row, measured.threads),
    )
    if found.free_bytes < SPARE * found.output_bytes:
        raise RunFolderError(
            f"{folder.path} has {_size(found.free_bytes)} free, but the outputs of {rows:,} rows will take about "
            f"{_size(found.output_bytes)}. Free some space, or set inference.output_path to another place."
        )
    return found


def _core_hours(rows: int, seconds_a_row: float | None, threads: int) -> float | None:
    return None if seconds_a_row is None else rows * seconds_a_row * threads / 3600


def _duration(hours: float) -> str:
    minutes = round(hours * 60)
    return f"about {minutes // 60} h {minutes % 60} min" if minutes else "less than a minute"


def _size(count: float) -> str:
    units = ("B", "KB", "MB", "GB")
    for unit in units:
        if count < 1000:
            return f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"

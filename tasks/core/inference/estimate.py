"""What a run will cost, from a few measured batches: before hours of a cluster are spent on it."""

import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import write_text
from tasks.core.base.naming import PROBE_FILE
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.batching import spread_batches
from tasks.core.engines.libraries import require_libraries
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.inference.certified import open_screening
from tasks.core.inference.pool_draws import planned_sizes
from tasks.core.inference.shard_texts import part_rows, tokenise
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import bytes_a_row
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.planned_rows import read_shard

MEASURED_ROWS = 4_000
"""So many rows are read and tokenised to measure."""
SCORED_TEXTS = 300
"""So many of the measured texts are scored, in whole batches."""
SPARE = 1.2
"""So many times the space that the outputs are expected to take must be free."""


@dataclass(frozen=True)
class Measured:
    """What a worker measured on some rows of the sample."""

    seconds_a_row: float
    """One worker with `threads` threads takes so long for a row, for all labels; less where rows are screened out."""
    engine_share: float
    """This share of these seconds is spent in the models."""
    bytes_a_row: float
    """The output of a row takes so many bytes, for all labels."""
    threads: int
    unscreened_seconds_a_row: float | None = None
    """A row that no screening keeps from the experts takes so long; None in a run without a fitted screening."""


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
    """Without screening the rows would take so many; None in a run without a fitted screening."""
    drawn_rows: int | None = None
    """A screening that is not fitted yet will draw about so many; None in other runs."""

    def lines(self) -> str:
        """Say it for a person."""
        wall = "the workers' number is not known" if self.hours is None else _duration(self.hours)
        return (
            f"{self.rows:,} rows to score: {self.core_hours:,.2f} core-hours ({self.engine_share:.0%} in the models), "
            f"{wall}; outputs of about {_size(self.output_bytes)}, {_size(self.free_bytes)} are free{self._saved()}"
        )

    def _saved(self) -> str:
        if self.drawn_rows is not None:
            return f"; screening scores about {self.drawn_rows:,} drawn rows first, and then only what passes"
        if self.unscreened_core_hours is None:
            return ""
        return f"; without screening {self.unscreened_core_hours:,.2f} core-hours"


def measure(plan: Plan, folder: RunFolder, shard: Shard) -> Measured:
    """Load every model, canaries and all, score a few batches of a shard, and write a probe.

    Raises:
        MachineError: this worker cannot run a model as it was made, or has other libraries than the plan.
        ModelFolderError: a model's files are not the registered ones.
        RunFolderError: the sample's file is not the planned one, or the run folder cannot be written to.
    """
    require_libraries(plan.inputs.libraries)
    _require_writable(folder)
    opened = [open_engine(use.folder, plan.inputs.fall_back_to_fp32, use.seal)[1] for use in plan.engines]
    engines = {id(engine): engine for engine in opened}.values()
    rows = read_shard(plan, _some_rows(shard))
    started = time.monotonic()
    texts = tokenise(plan, part_rows(rows)[0])
    around = (time.monotonic() - started) / max(1, rows.num_rows)
    lengths = np.array([len(row) for row in texts.tokens], dtype=np.int64)
    chosen = [texts.tokens[number] for number in spread_batches(lengths, plan.inputs.batch_tokens, SCORED_TEXTS)]
    distinct = len(texts.tokens) / max(1, rows.num_rows)
    seconds = sum(_seconds(engine, chosen, plan.inputs.batch_tokens) for engine in engines)
    in_models = seconds / max(1, len(chosen)) * distinct
    whole = around + in_models
    screened = _screened_seconds(plan, folder, rows, whole)
    total = whole if screened is None else screened
    output = bytes_a_row(rows["id"]) * len(plan.engines)
    share = in_models / whole if whole else 0.0
    return Measured(total, share, output, cpu_threads(), None if screened is None else whole)


def _screened_seconds(plan: Plan, folder: RunFolder, rows: pa.Table, whole: float) -> float | None:
    """Return what a row takes when it is screened first; None where no screening is fitted."""
    if plan.inputs.screening is None or not folder.certificate_path.is_file():
        return None
    opened = open_screening(folder)
    if opened.screen is None:
        return None
    started = time.monotonic()
    opened.screen.score(part_rows(rows)[0]["text"])
    first_stage = (time.monotonic() - started) / max(1, rows.num_rows)
    certified = opened.certificate.labels.values()
    reaching = np.mean([1.0 if said.off else said.reaching[-1] for said in certified])
    return float(first_stage + whole * reaching)


def estimate(plan: Plan, folder: RunFolder, shards: list[int], measured: Measured, workers: int | None) -> Estimate:
    """Return what the unfinished `shards` take.

    Raises:
        RunFolderError: the outputs do not fit.
    """
    rows = sum(plan.shards[number].rows for number in shards)
    seconds = rows * measured.seconds_a_row
    found = Estimate(
        rows=rows,
        core_hours=seconds * measured.threads / 3600,
        hours=None if workers is None else seconds / min(workers, len(shards)) / 3600,
        output_bytes=int(rows * measured.bytes_a_row),
        free_bytes=shutil.disk_usage(folder.path).free,
        engine_share=measured.engine_share,
        drawn_rows=_rows_to_draw(plan, folder),
        unscreened_core_hours=_core_hours(rows, measured.unscreened_seconds_a_row, measured.threads),
    )
    if found.free_bytes < SPARE * found.output_bytes:
        raise RunFolderError(
            f"{folder.path} has {_size(found.free_bytes)} free, but the outputs of {rows:,} rows will take about "
            f"{_size(found.output_bytes)}. Free some space, or set inference.output_path to another place."
        )
    return found


def _rows_to_draw(plan: Plan, folder: RunFolder) -> int | None:
    if plan.inputs.screening is None or folder.certificate_path.is_file():
        return None
    sizes = planned_sizes(plan)
    return sizes.fit + sizes.choose + sizes.calibrate


def _core_hours(rows: int, seconds_a_row: float | None, threads: int) -> float | None:
    return None if seconds_a_row is None else rows * seconds_a_row * threads / 3600


def _some_rows(shard: Shard) -> Shard:
    return replace(shard, stop=min(shard.stop, shard.start + MEASURED_ROWS))


def _seconds(engine: Engine, rows: list[list[int]], batch_tokens: int) -> float:
    """Return the seconds of a pass; a first one warms up."""
    engine.logits(rows, batch_tokens)
    started = time.monotonic()
    engine.logits(rows, batch_tokens)
    return time.monotonic() - started


def _require_writable(folder: RunFolder) -> None:
    probe: Path = folder.path / PROBE_FILE
    try:
        write_text(probe, "probe")
        _require_links(folder, probe)
        probe.unlink()
    except OSError as error:
        raise RunFolderError(f"{folder.path} cannot be written to from a worker: {error}") from None


def _require_links(folder: RunFolder, probe: Path) -> None:
    """Try what makes a shard finished, before any is scored: a hard link from one folder to another."""
    with TemporaryDirectory(".tmp", ".probe-", folder.path) as other:
        try:
            os.link(probe, Path(other) / probe.name)
        except OSError as error:
            raise RunFolderError(
                f"the file system of {folder.path} has no hard links between folders ({error}), by which the first "
                "receipt of a shard wins. Set inference.output_path in the round file to a file system that has."
            ) from None


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

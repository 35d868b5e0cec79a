"""What a worker measures before a run: every model loaded, canaries and all, and a few batches of the sample scored."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import write_text
from tasks.core.base.naming.run_names import PROBE_FILE
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.batching import spread_batches
from tasks.core.engines.libraries import require_libraries
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.inference.asked_screening import screening_of
from tasks.core.inference.certified import find_certificate, open_screening, require_certified_variants
from tasks.core.inference.passing import Passing, expected_passing
from tasks.core.inference.shard_texts import tokenise
from tasks.core.inference.student_stage import student_plan
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import bytes_a_row
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.planned_rows import read_shard
from tasks.core.runs.shards.scorable_rows import part_rows
from tasks.core.screening.linear_screen import LinearScreen, blank_screen

MEASURED_ROWS = 4_000
"""So many rows are read and tokenised to measure."""
SCORED_TEXTS = 300
"""So many of the measured texts are scored, in whole batches."""


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
    """A row that no screening keeps from the experts takes so long; None in a run without screening."""
    passing: str = ""
    """This says which shares of the rows are taken to pass the stages of a screening, and by what."""


@dataclass(frozen=True)
class _Rate:
    """What models take for a row."""

    around: float
    """It is read as tokens in so many seconds."""
    inside: float
    """So many are spent in the models."""

    @property
    def whole(self) -> float:
        return self.around + self.inside


def measure(plan: Plan, folder: RunFolder, shard: Shard) -> Measured:
    """Load every model, canaries and all, score a few batches of a shard, and write a probe.

    Raises:
        MachineError: this worker cannot run a model as it was made, or has other libraries than the plan, or would
            score by another variant than a screening's draws were scored by.
        ModelFolderError: a model's files are not the registered ones.
        RunFolderError: the sample's file is not the planned one, or the run folder cannot be written to.
    """
    require_libraries(plan.inputs.libraries)
    _require_writable(folder)
    opened = [open_engine(use.folder, plan.inputs.fall_back_to_fp32, use.seal) for use in plan.engines]
    if plan.inputs.screening and find_certificate(plan, folder):
        require_certified_variants(folder, {model.label: model.variant.name for model, _ in opened})
    rows = read_shard(plan, _some_rows(shard))
    experts = _rate(plan, rows, [engine for _, engine in opened])
    passing = expected_passing(plan, folder)
    rate = experts if passing is None else _screened_rate(plan, folder, rows, experts, passing)
    return Measured(
        seconds_a_row=rate.whole,
        engine_share=rate.inside / rate.whole if rate.whole else 0.0,
        bytes_a_row=bytes_a_row(rows["id"]) * len(plan.engines),
        threads=cpu_threads(),
        unscreened_seconds_a_row=None if passing is None else experts.whole,
        passing="" if passing is None else str(passing),
    )


def _rate(plan: Plan, rows: pa.Table, engines: Iterable[Engine]) -> _Rate:
    """Return what a row takes of models that read it as the plan says; labels of one model share its pass."""
    started = time.monotonic()
    texts = tokenise(plan, part_rows(rows)[0])
    around = (time.monotonic() - started) / max(1, rows.num_rows)
    lengths = np.array([len(row) for row in texts.tokens], dtype=np.int64)
    chosen = [texts.tokens[number] for number in spread_batches(lengths, plan.inputs.batch_tokens, SCORED_TEXTS)]
    distinct = len(texts.tokens) / max(1, rows.num_rows)
    each = {id(engine): engine for engine in engines}.values()
    seconds = sum(_seconds(engine, chosen, plan.inputs.batch_tokens) for engine in each)
    return _Rate(around, seconds / max(1, len(chosen)) * distinct)


def _screened_rate(plan: Plan, folder: RunFolder, rows: pa.Table, experts: _Rate, passing: Passing) -> _Rate:
    """Return what a row takes that the first stage reads, and student and experts where it reaches them."""
    first, student = _first_stage_seconds(plan, folder, rows), _Rate(0.0, 0.0)
    if screening_of(plan).students:
        own = student_plan(plan)
        student = _rate(own, rows, [open_engine(use.folder, seal=use.seal)[1] for use in own.engines])
    tokenised = experts.around * min(1.0, len(plan.engines) * passing.expert)
    return _Rate(
        first + student.around * passing.student + tokenised,
        student.inside * passing.student + experts.inside * passing.expert,
    )


def _first_stage_seconds(plan: Plan, folder: RunFolder, rows: pa.Table) -> float:
    screen, texts = _first_stage(plan, folder), part_rows(rows)[0]["text"]
    screen.score(texts.slice(0, 1))  # a process compiles before its first text
    started = time.monotonic()
    screen.score(texts)
    return (time.monotonic() - started) / max(1, len(texts))


def _first_stage(plan: Plan, folder: RunFolder) -> LinearScreen:
    """Return the run's first stage or, before it is fitted, one without weights, which takes as long."""
    fitted = open_screening(folder).screen if find_certificate(plan, folder) else None
    return fitted or blank_screen(tuple(use.label for use in plan.engines))


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

"""The conversion as the engines' benchmark sees it: the only place that knows how variants are made."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.files import write_json
from tasks.core.conversion.ladder import climb
from tasks.core.conversion.request import ConversionRequest
from tasks.core.conversion.tried_variants import fastest_that_passes
from tasks.core.conversion.workbench import open_workbench
from tasks.core.engines.variants import Variant
from tasks.core.round.conversion_section import Conversion
from tests.benchmarks.trained import Trained

BOOTSTRAP_RESAMPLES = 1_000


@dataclass(frozen=True)
class Measured:
    """What a conversion found."""

    report: dict[str, Any]
    """As in parity.json: serves, limits, variants."""
    files: dict[str, tuple[Path, Variant]]
    """Graph of each variant that was judged, by its name."""
    core_minutes: float
    """CPU time of opening the workbench and climbing the ladder, child processes and all."""
    threshold: float
    """Of the first label."""
    column: int
    """The first label's, of the logits."""
    head: str
    scored: tuple[list[list[int]], NDArray[np.float32]]
    """Token rows of the scored texts, and the fp32 graph's logits of them."""


def measure_variants(trained: Trained, texts: list[str], folder: Path) -> Measured:
    """Convert a checkpoint in `folder` as the flow does with default settings, judging variants on `texts`."""
    write_json(folder / "texts.json", texts)
    request = ConversionRequest(
        checkpoint=str(trained.checkpoint),
        labels=trained.splits.labels,
        texts_file=str(folder / "texts.json"),
        splits_path=trained.splits.path,
        settings=Conversion(),
        bootstrap_resamples=BOOTSTRAP_RESAMPLES,
        rivals=(),
        folder=str(folder),
    )
    started = _cpu_seconds()
    bench = open_workbench(request, folder)
    trials = climb(bench)
    shipped = fastest_that_passes(trials)
    minutes = (_cpu_seconds() - started) / 60
    report = {
        "serves": shipped.variant.name,
        "limits": asdict(request.settings.gate.limits),
        "variants": [trial.record() for trial in trials],
    }
    label, column = next(iter(bench.columns.items()))
    files = {trial.variant.name: (trial.graph, trial.variant) for trial in trials if trial.graph is not None}
    scored = (bench.rows("scored"), bench.scored)
    return Measured(report, files, minutes, bench.thresholds[label], column, bench.card.head, scored)


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system

"""Variants tried on a workbench: built, compared, timed and judged."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.conversion.engine_process import EngineProcess
from tasks.core.conversion.figures import LabelFigures, ModelLogits, compare_label
from tasks.core.conversion.gate import judge
from tasks.core.conversion.workbench import Workbench
from tasks.core.errors import ParityError
from tasks.core.inference.variants import Variant

TIMED_ROUNDS = 3


@dataclass(frozen=True)
class Trial:
    """What is known of one variant."""

    variant: Variant
    graph: Path | None = None
    not_tried: str | None = None
    """Why there are no figures."""
    logits: ModelLogits | None = None
    labels: dict[str, LabelFigures] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    """By label, what it does not keep; empty lists when it passes."""
    batch_variance: float = 0.0
    padding_variance: float = 0.0
    texts_per_second_per_core: float = 0.0
    peak_memory_mebibytes: float = 0.0

    @property
    def passes(self) -> bool:
        """Whether it was tried and every label keeps its ranking."""
        return self.not_tried is None and not any(self.reasons.values())

    def record(self) -> dict[str, Any]:
        """Return the trial as JSON."""
        if self.graph is None:
            return {"variant": self.variant.name, "tried": False, "not_tried": self.not_tried}
        return {
            "variant": self.variant.name,
            "tried": True,
            "not_tried": None,
            "passes": self.passes,
            "reasons": self.reasons,
            "labels": {label: asdict(figures) for label, figures in self.labels.items()},
            "batch_variance": self.batch_variance,
            "padding_variance": self.padding_variance,
            "texts_per_second_per_core": round(self.texts_per_second_per_core, 2),
            "peak_memory_mebibytes": round(self.peak_memory_mebibytes, 1),
            "file_mebibytes": round(self.graph.stat().st_size / 2**20, 2),
        }


def try_variant(bench: Workbench, variant: Variant, graph: Path) -> Trial:
    """Compare a built variant with the checkpoint; one that cannot run here counts as not tried."""
    try:
        with EngineProcess(graph, variant) as engine:
            logits = bench.logits(engine)
            batch, padding = engine.variances(bench.rows_file("parity"))
            labels = compare(bench, logits)
    except ParityError as error:
        return Trial(variant, not_tried=str(error))
    limits = bench.request.settings.gate.limits
    reasons = {label: judge(figures, batch, limits) for label, figures in labels.items()}
    return Trial(variant, graph, None, logits, labels, reasons, batch, padding)


def compare(bench: Workbench, logits: ModelLogits) -> dict[str, LabelFigures]:
    """Compare a model's logits with the checkpoint's, label by label."""
    head, scored, resamples = bench.card.head, len(bench.texts), bench.request.bootstrap_resamples
    return {
        label: compare_label(bench.reference, logits, column, head, bench.targets[label], scored, resamples)
        for label, column in bench.columns.items()
    }


def measure_cost(bench: Workbench, trials: list[Trial]) -> list[Trial]:
    """Time the tried variants in turns, on texts as they come, and read their memory."""
    timed = bench.rows_file("timed")
    texts = len(bench.rows("timed"))
    with ExitStack() as stack:
        engines = {
            trial.variant.name: stack.enter_context(EngineProcess(trial.graph, trial.variant))
            for trial in trials
            if trial.graph is not None
        }
        seconds = {name: [engine.cpu_seconds(timed)] for name, engine in engines.items()}
        for _ in range(TIMED_ROUNDS):
            for name, engine in engines.items():
                seconds[name].append(engine.cpu_seconds(timed))
        memory = {name: engine.peak_memory_mebibytes() for name, engine in engines.items()}
    return [_with_cost(trial, texts, seconds, memory) for trial in trials]


def _with_cost(trial: Trial, texts: int, seconds: dict[str, list[float]], memory: dict[str, float]) -> Trial:
    """Add speed and memory; the first pass warmed up and does not count."""
    name = trial.variant.name
    if name not in seconds:
        return trial
    rate = texts / float(np.median(seconds[name][1:]))
    return replace(trial, texts_per_second_per_core=rate, peak_memory_mebibytes=memory[name])


def fastest_that_passes(trials: list[Trial]) -> Trial:
    """Return the variant to ship.

    Raises:
        ParityError: none passes, not even fp32.
    """
    passing = [trial for trial in trials if trial.passes]
    if not passing:
        reasons = "\n".join(f"  {trial.variant.name}: {trial.not_tried or trial.reasons}" for trial in trials)
        raise ParityError(
            f"no variant keeps the checkpoint's ranking:\n{reasons}\nThe limits of conversion.gate may be tighter than "
            "fp32 can keep; nothing was registered."
        )
    return max(passing, key=lambda trial: trial.texts_per_second_per_core)

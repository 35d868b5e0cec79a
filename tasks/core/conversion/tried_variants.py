"""Variants tried on a workbench: built, compared, timed and judged."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import ParityError
from tasks.core.conversion.parity.engine_process import EngineProcess
from tasks.core.conversion.parity.gate import Verdict, judge, judge_scored
from tasks.core.conversion.parity.parity_figures import LabelFigures, ModelLogits, compare_label, require_comparable
from tasks.core.conversion.parity.ranking_shift import RankingShift, ranking_shift, top_sizes
from tasks.core.conversion.workbench import Workbench
from tasks.core.engines.scores import margins
from tasks.core.engines.variants import FP32, Variant

TIMED_ROUNDS = 3


@dataclass(frozen=True)
class Trial:
    """What is known of one variant."""

    variant: Variant
    graph: Path | None = None
    not_tried: str | None = None
    """This says why there are no figures."""
    logits: ModelLogits | None = None
    labels: dict[str, LabelFigures] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """Each label has the gate's."""
    batch_variance: float = 0.0
    padding_variance: float = 0.0
    texts_per_second_per_core: float = 0.0
    peak_memory_mebibytes: float = 0.0
    scored: dict[str, RankingShift] = field(default_factory=dict)
    """Each label has what moves over all scored texts, measured only for variants that would serve."""

    @property
    def passes(self) -> bool:
        """Whether it was tried and every label keeps its ranking."""
        return self.not_tried is None and not any(verdict.reasons for verdict in self.verdicts.values())

    def record(self) -> dict[str, Any]:
        """Return the trial as JSON."""
        if self.graph is None:
            return {"variant": self.variant.name, "tried": False, "not_tried": self.not_tried}
        return {
            "variant": self.variant.name,
            "tried": True,
            "not_tried": None,
            "passes": self.passes,
            "reasons": {label: list(verdict.reasons) for label, verdict in self.verdicts.items()},
            "near_limit": {label: list(verdict.near) for label, verdict in self.verdicts.items()},
            "labels": {label: asdict(figures) for label, figures in self.labels.items()},
            "scored": {label: asdict(shift) for label, shift in self.scored.items()},
            "batch_variance": self.batch_variance,
            "padding_variance": self.padding_variance,
            "texts_per_second_per_core": round(self.texts_per_second_per_core, 2),
            "peak_memory_mebibytes": round(self.peak_memory_mebibytes, 1),
            "file_mebibytes": round(self.graph.stat().st_size / 2**20, 2),
        }


def try_variant(bench: Workbench, variant: Variant, graph: Path) -> Trial:
    """Compare a built variant with the checkpoint; one that cannot run here counts as not tried.

    fp32 passes: opening the workbench scored it, and required its logits to be the checkpoint's within 1e-4.
    """
    try:
        with EngineProcess(graph, variant) as engine:
            logits = bench.exported if (variant, graph) == (FP32, bench.fp32) else bench.logits(engine)
            batch, padding = engine.variances(bench.rows_file("parity"))
            labels = compare(bench, logits)
    except ParityError as error:
        return Trial(variant, not_tried=str(error))
    limits = bench.request.settings.gate.limits
    verdicts = {
        label: Verdict() if variant == FP32 else judge(figures, batch, limits) for label, figures in labels.items()
    }
    return Trial(variant, graph, None, logits, labels, verdicts, batch, padding)


def compare(bench: Workbench, logits: ModelLogits) -> dict[str, LabelFigures]:
    """Compare a model's logits with the checkpoint's, label by label."""
    head, scored, resamples = bench.card.head, len(bench.texts), bench.request.bootstrap_resamples
    near = bench.request.settings.gate.limits.displacement
    return {
        label: compare_label(bench.reference, logits, column, head, bench.targets[label], scored, resamples, near)
        for label, column in bench.columns.items()
    }


def measure_cost(bench: Workbench, trials: list[Trial]) -> list[Trial]:
    """Time the tried variants in turns, one open at a time, and read their memory.

    Those that fail are timed once: how fast they are decides nothing.
    """
    costs: dict[str, list[tuple[float, float]]] = {}
    for number in range(TIMED_ROUNDS):
        for place, trial in enumerate(trials):
            if trial.graph is not None and (trial.passes or number == 0):
                try:
                    costs.setdefault(trial.variant.name, []).append(_cost(bench, trial.graph, trial.variant))
                except ParityError as error:
                    trials[place] = Trial(trial.variant, not_tried=f"while it was timed: {error}")
    texts = len(bench.rows("timed"))
    return [trial if trial.graph is None else _with_cost(trial, texts, costs[trial.variant.name]) for trial in trials]


def _cost(bench: Workbench, graph: Path, variant: Variant) -> tuple[float, float]:
    """Return seconds and MiB of a pass over the timed rows; a first one warms up."""
    with EngineProcess(graph, variant) as engine:
        engine.seconds(bench.rows_file("timed"))
        return engine.seconds(bench.rows_file("timed")), engine.peak_memory_mebibytes()


def _with_cost(trial: Trial, texts: int, costs: list[tuple[float, float]]) -> Trial:
    seconds, mebibytes = np.median(costs, axis=0).tolist()
    return replace(trial, texts_per_second_per_core=texts / seconds, peak_memory_mebibytes=mebibytes)


def choose_shipped(bench: Workbench, trials: list[Trial]) -> tuple[Trial, list[Trial]]:
    """Return the fastest variant that passes, and all trials with what was found on the way.

    Before it may ship it scores the rest of the scored texts: one that it promotes from below is seldom a parity text.

    Raises:
        ParityError: none passes, not even fp32.
    """
    while (fastest := fastest_that_passes(trials)).variant != FP32:
        confirmed = _over_all_scored(bench, fastest)
        trials = [confirmed if trial is fastest else trial for trial in trials]
        if confirmed.passes:
            return confirmed, trials
    return fastest, trials


def _over_all_scored(bench: Workbench, trial: Trial) -> Trial:
    """Add what moves over all scored texts, and what the gate says of it."""
    if trial.graph is None or trial.logits is None:
        raise AssertionError("a variant that passes has been built and compared")
    try:
        logits = _scored_logits(bench, trial.graph, trial)
        require_comparable("scored", bench.scored, logits)
    except ParityError as error:
        return Trial(trial.variant, not_tried=str(error))
    limits = bench.request.settings.gate.limits
    found = {label: _shift_of(bench, label, logits) for label in bench.columns}
    verdicts = {label: trial.verdicts[label] + judge_scored(shift, limits) for label, shift in found.items()}
    return replace(trial, scored=found, verdicts=verdicts)


def _shift_of(bench: Workbench, label: str, logits: NDArray[np.float32]) -> RankingShift:
    wanted, got = (margins(each, bench.columns[label], bench.card.head) for each in (bench.scored, logits))
    near = bench.request.settings.gate.limits.displacement
    return ranking_shift(wanted, got, top_sizes(len(wanted), len(wanted)), bench.thresholds[label], near)


def _scored_logits(bench: Workbench, graph: Path, trial: Trial) -> NDArray[np.float32]:
    """Return a variant's logits of all scored texts; those of the parity texts hold where neighbours do not matter."""
    if trial.logits is None or trial.batch_variance or not len(bench.rest):
        part = "scored" if len(bench.rest) else "parity"
        with EngineProcess(graph, trial.variant) as engine:
            return np.asarray(engine.logits(bench.rows_file(part)))
    logits = np.empty_like(bench.scored)
    logits[bench.parity] = trial.logits.parity
    with EngineProcess(graph, trial.variant) as engine:
        logits[bench.rest] = engine.logits(bench.rows_file("rest"))
    return logits


def fastest_that_passes(trials: list[Trial]) -> Trial:
    """Return the fastest of the trials that pass.

    Raises:
        ParityError: none passes, not even fp32.
    """
    passing = [trial for trial in trials if trial.passes]
    if not passing:
        reasons = "\n".join(f"  {trial.variant.name}: {trial.not_tried or trial.verdicts}" for trial in trials)
        raise ParityError(
            f"no variant keeps the checkpoint's ranking, and fp32 cannot be run to its end here:\n{reasons}\nNothing "
            "was registered."
        )
    return max(passing, key=lambda trial: trial.texts_per_second_per_core)

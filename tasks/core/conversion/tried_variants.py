"""Variants tried on a workbench: compared, judged and timed."""

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


@dataclass(frozen=True)
class Trial:
    """What is known of one variant: why it was not tried, or its graph; then its speed; then the gate's verdict."""

    variant: Variant
    graph: Path | None = None
    not_tried: str | None = None
    """This says why there are no figures."""
    logits: ModelLogits | None = None
    labels: dict[str, LabelFigures] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """Each label has the gate's; there is none before the variant was judged."""
    batch_variance: float = 0.0
    padding_variance: float = 0.0
    costs: tuple[tuple[float, float], ...] = ()
    """Each time it was timed gave texts a second and core, and its peak memory in MiB."""
    scored: dict[str, RankingShift] = field(default_factory=dict)
    """Each label has what moves over all scored texts, measured only for variants that keep the parity texts' order."""

    @property
    def passes(self) -> bool:
        """Whether every label was judged to keep its ranking."""
        return bool(self.verdicts) and not any(verdict.reasons for verdict in self.verdicts.values())

    @property
    def texts_per_second_per_core(self) -> float:
        """The median of all timings; 0 before the first."""
        return float(np.median([speed for speed, _ in self.costs])) if self.costs else 0.0

    @property
    def peak_memory_mebibytes(self) -> float:
        """The largest resident memory of all timings."""
        return max((memory for _, memory in self.costs), default=0.0)

    def left_out(self, why: str) -> "Trial":
        """Return the trial of a variant that is not judged."""
        return Trial(self.variant, not_tried=why, costs=self.costs)

    def record(self) -> dict[str, Any]:
        """Return the trial as JSON."""
        costs = {
            "texts_per_second_per_core": round(self.texts_per_second_per_core, 2),
            "peak_memory_mebibytes": round(self.peak_memory_mebibytes, 1),
        }
        if self.graph is None:
            return {"variant": self.variant.name, "tried": False, "not_tried": self.not_tried} | costs
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
            **costs,
            "file_mebibytes": round(self.graph.stat().st_size / 2**20, 2),
        }


def try_variant(bench: Workbench, built: Trial) -> Trial:
    """Compare a built variant with the checkpoint and judge it; one that cannot run here counts as not tried.

    What keeps the order of the parity texts scores the other scored texts, too: a text that a variant promotes from
    below is seldom a parity text. fp32 passes: opening the workbench required its logits to be the checkpoint's.
    """
    if built.graph is None:
        raise AssertionError("what is judged has been built")
    is_fp32 = (built.variant, built.graph) == (FP32, bench.fp32)
    try:
        with EngineProcess(built.graph, built.variant) as engine:
            batch, padding = engine.variances(bench.rows_file("parity"))
            _require_invariance(bench, batch)
            logits = bench.exported if is_fp32 else bench.logits(engine)
            tried = replace(built, logits=logits, batch_variance=batch, padding_variance=padding)
            tried = _judged(replace(tried, labels=compare(bench, logits)), bench, is_fp32)
            return _over_all_scored(bench, tried, engine) if tried.passes and not is_fp32 else tried
    except ParityError as error:
        return built.left_out(str(error))


def _require_invariance(bench: Workbench, batch_variance: float) -> None:
    """Spare a variant the rest whose scores depend on the texts beside, unless the report is to be full."""
    limit = bench.request.settings.gate.limits.batch_variance
    if bench.request.settings.report != "full" and not batch_variance <= limit:
        raise ParityError(f"batch_variance is {batch_variance:.4g}, at most {limit:g} is allowed")


def _judged(tried: Trial, bench: Workbench, is_fp32: bool) -> Trial:
    limits = bench.request.settings.gate.limits
    verdicts = {
        label: Verdict() if is_fp32 else judge(figures, tried.batch_variance, limits)
        for label, figures in tried.labels.items()
    }
    return replace(tried, verdicts=verdicts)


def compare(bench: Workbench, logits: ModelLogits) -> dict[str, LabelFigures]:
    """Compare a model's logits with the checkpoint's, label by label."""
    head, scored, resamples = bench.card.head, len(bench.texts), bench.request.bootstrap_resamples
    near = bench.request.settings.gate.limits.displacement
    return {
        label: compare_label(bench.exported, logits, column, head, bench.targets[label], scored, resamples, near)
        for label, column in bench.columns.items()
    }


def _over_all_scored(bench: Workbench, trial: Trial, engine: EngineProcess) -> Trial:
    """Add what moves over all scored texts, and what the gate says of it."""
    logits = _scored_logits(bench, trial, engine)
    require_comparable("scored", bench.scored, logits)
    limits = bench.request.settings.gate.limits
    found = {label: _shift_of(bench, label, logits) for label in bench.columns}
    verdicts = {label: trial.verdicts[label] + judge_scored(shift, limits) for label, shift in found.items()}
    return replace(trial, scored=found, verdicts=verdicts)


def _shift_of(bench: Workbench, label: str, logits: NDArray[np.float32]) -> RankingShift:
    wanted, got = (margins(each, bench.columns[label], bench.card.head) for each in (bench.scored, logits))
    near = bench.request.settings.gate.limits.displacement
    return ranking_shift(wanted, got, top_sizes(len(wanted), len(wanted)), bench.thresholds[label], near)


def _scored_logits(bench: Workbench, trial: Trial, engine: EngineProcess) -> NDArray[np.float32]:
    """Return a variant's logits of all scored texts; those of the parity texts hold where neighbours do not matter."""
    if trial.logits is None or trial.batch_variance or not len(bench.rest):
        return np.asarray(engine.logits(bench.rows_file("scored" if len(bench.rest) else "parity")))
    logits = np.empty_like(bench.scored)
    logits[bench.parity] = trial.logits.parity
    logits[bench.rest] = engine.logits(bench.rows_file("rest"))
    return logits


def measure_cost(bench: Workbench, trials: list[Trial], rounds: int) -> list[Trial]:
    """Time built variants in turns, one open at a time, and read their memory."""
    measured = list(trials)
    for _ in range(rounds):
        for place, trial in enumerate(measured):
            if trial.graph is not None:
                try:
                    measured[place] = replace(trial, costs=(*trial.costs, _cost(bench, trial.graph, trial.variant)))
                except ParityError as error:
                    measured[place] = Trial(trial.variant, not_tried=f"while it was timed: {error}")
    return measured


def _cost(bench: Workbench, graph: Path, variant: Variant) -> tuple[float, float]:
    """Return texts a second, and MiB, of a pass over the timed rows; a first one warms up."""
    rows = bench.rows_file("timed")
    with EngineProcess(graph, variant) as engine:
        engine.seconds(rows)
        return len(bench.rows("timed")) / engine.seconds(rows), engine.peak_memory_mebibytes()


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

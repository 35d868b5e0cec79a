"""Judge a label's ranking by its labels: calibrate, estimate, compare with the champion, decide."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import EvaluationError
from tasks.core.evaluation.calibration.calibrate import CalibratedModel, Calibration, TooFewLabelsError, calibrate
from tasks.core.evaluation.count_bounds import Estimate
from tasks.core.evaluation.evaluation_record import Champion, EvaluationRecord
from tasks.core.evaluation.labelled_ranks import LabelledRanks
from tasks.core.evaluation.pool_measures import PoolMeasures
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.evaluation.rank_figures import positives_down_to, precision_at, precision_curve, recall_at
from tasks.core.evaluation.rank_sample import DrawnStratum
from tasks.core.evaluation.release.release_gate import Judgement, borrowed, held, judge
from tasks.core.evaluation.release.score_drift import Drift, measure_drift
from tasks.core.evaluation.release.standing import Expansion, Standing, TopTexts
from tasks.core.evaluation.run_labels import RunLabels
from tasks.core.ranking.ranked import Ranked
from tasks.core.round.model import Round
from tasks.core.runs.score_bins import BINS, bounds_of


@dataclass(frozen=True)
class Judged:
    """A label's ranking, what was drawn from it and what is labelled of it."""

    run: PoolRun
    ranked: Ranked
    strata: Sequence[DrawnStratum]
    labels: RunLabels
    measures: PoolMeasures


@dataclass(frozen=True)
class Evaluated:
    """A label's evaluation, and its calibration, unless labels are too few for one."""

    record: EvaluationRecord
    calibration: Calibration | None
    promotes: bool


@dataclass(frozen=True)
class Reasons:
    """Why people make a version champion; both are recorded."""

    force: str = ""
    """It becomes champion whatever the gate says."""
    approval: str = ""
    """It becomes champion where the gate says so and the round asks for a person's approval."""


def evaluate_label(round_: Round, judged: Judged, champion: Champion | None, reasons: Reasons = Reasons()) -> Evaluated:
    """Judge the ranking of a label, and say whether its version becomes champion in place of the one that is.

    Raises:
        EvaluationError: a reason is none.
    """
    run, ranked, ranks = judged.run, judged.ranked, judged.labels.ranks
    use = run.use_of(ranked.label)
    calibration, said = _calibrate(judged, round_)
    expansion = None if calibration is None else count_above(ranked, calibration, len(judged.labels.scores))
    wanted = sorted({*round_.evaluation.precision_at, *round_.evaluation.gate.precision_at})
    standing = Standing(
        use.registered_model,
        use.version,
        {rank: TopTexts(min(rank, ranks.rows), tuple(ranks.cells(1, min(rank, ranks.rows)))) for rank in wanted},
        expansion,
        said.get("refused", ""),
        said.get("lacking", 0),
        ranks.rows,
        run.sample_digest,
    )
    drift = _drift(judged, champion)
    found = _judge(round_, standing, champion, drift, reasons)
    record = EvaluationRecord(
        **_whose(round_, judged),
        **_labelled(judged),
        tops={str(rank): _top(ranks, rank) for rank in wanted},
        curve=[asdict(point) for point in precision_curve(ranks)],
        positives=asdict(positives_down_to(ranks, ranks.reach)),
        calibration=said,
        expansion=None if expansion is None else _expansion(ranks, expansion),
        **asdict(judged.measures),
        bins=_held(ranked.bins),
        drift=None if drift is None else asdict(drift) | {"sentence": drift.sentence},
        champion_version=None if champion is None else champion.version,
        decision=found.decision,
        sentence=found.sentence,
        checks=found.rows(),
        force_reason=found.force_reason,
    )
    return Evaluated(record, calibration, found.promotes)


def _judge(
    round_: Round, standing: Standing, champion: Champion | None, drift: Drift | None, reasons: Reasons
) -> Judgement:
    if round_.model_country is not None and round_.model_round != round_.name:
        return borrowed(standing, round_.model_country)
    theirs = None if champion is None else champion.standing
    found = judge(standing, theirs, drift, round_.evaluation.gate, reasons.force)
    return held(found, reasons.approval) if round_.approve else found


def _whose(round_: Round, judged: Judged) -> dict[str, Any]:
    run, use = judged.run, judged.run.use_of(judged.ranked.label)
    return {
        "label": use.label,
        "round_name": round_.name,
        "registered_model": use.registered_model,
        "version": use.version,
        "run_id": run.plan.run_id,
        "run_folder": str(run.folder.path),
        "sample": run.plan.sample_name,
        "sample_digest": run.sample_digest,
    }


def _labelled(judged: Judged) -> dict[str, Any]:
    ranks = judged.labels.ranks
    asked = ranks.draws[: len(judged.strata)]
    return {
        "rows": ranks.rows,
        "asked": sum(len(draw.ranks) for draw in asked),
        "answered": sum(int((~np.isnan(draw.answers)).sum()) for draw in asked),
        "labels": sum(stretch.labelled for stretch in ranks.stretches(1, ranks.rows)),
        "unused_labels": judged.labels.unused,
        "reach": ranks.reach,
    }


def count_above(ranked: Ranked, calibration: Calibration, labelled: int) -> Expansion:
    """Count the texts above the threshold, and above the ends of its interval."""
    scores = (calibration.threshold, calibration.threshold_high, calibration.threshold_low)
    value, low, high = (float(ranked.rank_of(score) - 1) for score in scores)
    return Expansion(Estimate(value, low, high), ranked.rows, labelled)


def _calibrate(judged: Judged, round_: Round) -> tuple[Calibration | None, dict[str, Any]]:
    use, labels = judged.run.use_of(judged.ranked.label), judged.labels
    model = CalibratedModel(use.label, use.registered_model, use.version, judged.run.plan.run_id)
    try:
        found = calibrate(model, labels.scores, labels.answers, round_.evaluation.calibration)
    except EvaluationError as refusal:
        lacking = refusal.lacking if isinstance(refusal, TooFewLabelsError) else 1
        return None, {"refused": str(refusal), "lacking": lacking}
    kept = ("method", "positives", "negatives", "threshold", "threshold_low", "threshold_high")
    return found, {name: getattr(found, name) for name in kept}


def _top(ranks: LabelledRanks, rank: int) -> dict[str, Any]:
    cells = [asdict(cell) for cell in ranks.cells(1, min(rank, ranks.rows))]
    try:
        figure = precision_at(ranks, rank)
    except EvaluationError:
        return {"rank": min(rank, ranks.rows), "labelled": 0, "precision": None, "recall": None, "cells": cells}
    recall = recall_at(ranks, rank)
    return {
        "rank": figure.rank,
        "labelled": figure.labelled,
        "precision": asdict(figure.estimate),
        "nothing_labelled": list(figure.unlabelled_stretches),
        "recall": None if recall is None else asdict(recall),
        "cells": cells,
    }


def _expansion(ranks: LabelledRanks, expansion: Expansion) -> dict[str, Any]:
    rank = int(expansion.above.value)
    top = _top(ranks, rank) if rank else {"precision": None, "recall": None, "labelled": 0}
    return {"above": asdict(expansion.above)} | {name: top[name] for name in ("precision", "recall", "labelled")}


def _held(bins: NDArray[np.int64]) -> list[list[int]]:
    return [[int(bin_), int(bins[bin_])] for bin_ in np.flatnonzero(bins)]


def _drift(judged: Judged, champion: Champion | None) -> Drift | None:
    """Compare the scores with the champion's of the same texts; None without one, or of other texts."""
    record = None if champion is None else champion.record
    if record is None or record.sample_digest != judged.run.sample_digest:
        return None
    own, theirs = judged.ranked.bins, np.zeros(BINS, dtype=np.int64)
    for bin_, count in record.bins:
        theirs[bin_] = count
    held = np.flatnonzero(own + theirs)
    return measure_drift(own[held], theirs[held], [bounds_of(int(bin_), int(bin_))[0] for bin_ in held])

"""How closely a model ranks as another does, for one label: a variant as its checkpoint, or one seed as another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import ParityError
from tasks.core.conversion.parity.overlap import edge_of
from tasks.core.conversion.parity.ranking_shift import RankingShift, ranking_shift, top_sizes
from tasks.core.engines.scores import label_scores, margins
from tasks.core.metrics.bootstrap import draw_resamples, interval, resampled_values
from tasks.core.metrics.figures import best_thresholds
from tasks.core.metrics.heads import THRESHOLD
from tasks.core.metrics.resampled_ap import average_precisions

Floats = NDArray[np.float64]

TOP = 1000


@dataclass(frozen=True)
class ModelLogits:
    """Logits of one model, float32 of shape (rows, columns), on the parity texts and on two splits."""

    parity: NDArray[np.floating]
    validation: NDArray[np.floating]
    test: NDArray[np.floating]


@dataclass(frozen=True)
class LabelTargets:
    """Targets of one label, float64 of shape (rows,): NaN where blank; soft ones count as 1 from 0.5 on."""

    validation: Floats
    test: Floats


@dataclass(frozen=True)
class LabelFigures:
    """A model beside its checkpoint; None stands for what cannot be measured."""

    texts: int
    max_logit_difference: float
    """No logit differs by more than this, over all parity texts and columns."""
    mean_logit_difference: float
    kendall_tau: float | None
    """Tau-b is taken over the label's log-odds; this and the next three are None where all texts score the same."""
    spearman: float | None
    kendall_tau_top: float | None
    """Tau-b is taken over the checkpoint's 1,000 best parity texts, and those tied with the last of them."""
    spearman_top: float | None
    shift: RankingShift
    """Parity texts move so far across the edges of the best k, and of `threshold`."""
    threshold: float
    """The checkpoint's F1 on validation is best from this probability on; 0.5 where F1 cannot be measured."""
    distinct_top: int
    """The model's own 1,000 best parity texts have so many distinct probabilities."""
    distinct_top_checkpoint: int
    validation_ap: float | None
    """This figure and all below are None where the split's rows are all true or all false."""
    validation_ap_low: float | None
    validation_ap_high: float | None
    validation_ap_loss: float | None
    """The loss is the checkpoint's average precision minus the model's."""
    validation_ap_loss_low: float | None
    validation_ap_loss_high: float | None
    test_ap: float | None
    test_ap_low: float | None
    test_ap_high: float | None
    test_ap_loss: float | None
    test_ap_loss_low: float | None
    test_ap_loss_high: float | None


def compare_label(  # noqa: PLR0913, PLR0917 - two models, one label's place and truth, two counts, a limit
    reference: ModelLogits,
    found: ModelLogits,
    column: int,
    head: str,
    targets: LabelTargets,
    scored_texts: int,
    resamples: int,
    displacement: float,
) -> LabelFigures:
    """Compare `found` with `reference`, the checkpoint, for the label in `column` of the logits.

    `scored_texts` were scored to find the parity texts: 1 % of them is one of the best k. Intervals are of 95 %, from
    `resamples` bootstrap resamples of a split's rows, the same for both models. A text that changes sides of an edge
    and is no farther from it than `displacement`, in log-odds, is a near-tie.

    Raises:
        ParityError: shapes differ, there are no parity texts, or a logit is not a finite number.
    """
    for split in ("parity", "validation", "test"):
        require_comparable(split, getattr(reference, split), getattr(found, split), getattr(targets, split, None))
    models = reference, found
    wanted, got = (margins(model.parity, column, head) for model in models)
    scores = {
        split: [label_scores(getattr(model, split), column, head) for model in models]
        for split in ("parity", "validation", "test")
    }
    threshold = threshold_of(targets.validation, scores["validation"][0])
    return LabelFigures(
        **_logit_differences(reference.parity, found.parity),
        **rank_correlations(wanted, got),
        shift=ranking_shift(wanted, got, top_sizes(scored_texts, len(wanted)), threshold, displacement),
        threshold=threshold,
        distinct_top=_distinct_top(scores["parity"][1]),
        distinct_top_checkpoint=_distinct_top(scores["parity"][0]),
        **_average_precision("validation", targets.validation, scores["validation"], resamples),
        **_average_precision("test", targets.test, scores["test"], resamples),
    )


def require_comparable(
    split: str, reference: NDArray[np.floating], found: NDArray[np.floating], targets: Floats | None = None
) -> None:
    """Raise ParityError unless both models give finite logits of the same texts, one target each if there are some."""
    if reference.shape != found.shape:
        raise ParityError(
            f"{split}: the variant gives logits of shape {found.shape}, its checkpoint {reference.shape}. "
            "Both must score the same texts with the same columns in the same order."
        )
    if split == "parity" and not len(reference):
        raise ParityError("parity: there are no texts to compare on. Draw the parity texts from a sample with rows.")
    if targets is not None and targets.shape != (len(reference),):
        raise ParityError(f"{split}: targets of shape {targets.shape} for {len(reference)} rows; give one a row.")
    for model, logits in (("checkpoint", reference), ("variant", found)):
        bad = np.flatnonzero(~np.isfinite(logits).all(axis=1))
        if bad.size:
            raise ParityError(
                f"{split}: the {model} gives logits that are not finite numbers for {bad.size} of {len(logits)} texts, "
                f"first for number {bad[0]}: {logits[bad[0]].tolist()}. Its number format overflows, or its weights "
                "are broken."
            )


def _logit_differences(reference: NDArray[np.floating], found: NDArray[np.floating]) -> dict[str, Any]:
    difference = np.abs(found.astype(np.float64) - reference)
    return {
        "texts": len(reference),
        "max_logit_difference": float(difference.max()),
        "mean_logit_difference": float(difference.mean()),
    }


def rank_correlations(reference: Floats, found: Floats) -> dict[str, Any]:
    """Return Kendall's tau and Spearman's rho of a model's log-odds with the checkpoint's, on all and at the top.

    Both are of shape (texts,); a value is None where one of them is the same for all texts.
    """
    from scipy.stats import kendalltau, spearmanr  # noqa: PLC0415 - half a second, where variants are compared

    best = reference >= edge_of(reference, TOP)
    return {
        "kendall_tau": _correlation(kendalltau, reference, found),
        "spearman": _correlation(spearmanr, reference, found),
        "kendall_tau_top": _correlation(kendalltau, reference[best], found[best]),
        "spearman_top": _correlation(spearmanr, reference[best], found[best]),
    }


def _correlation(statistic: Callable[..., Any], reference: Floats, found: Floats) -> float | None:
    if np.ptp(reference) == 0 or np.ptp(found) == 0:
        return None
    return float(statistic(reference, found).statistic)


def _distinct_top(scores: Floats) -> int:
    """Count the distinct scores among a model's own best."""
    return int(np.unique(np.sort(scores)[-TOP:]).size)


def threshold_of(targets: Floats, scores: Floats) -> float:
    """Return the probability from which on F1 is best among a split's rows; 0.5 where F1 cannot be measured."""
    if not _rankable(targets[~np.isnan(targets)]):
        return THRESHOLD
    return float(best_thresholds(targets[:, None], scores[:, None])[0])


def _rankable(targets: Floats) -> bool:
    return 0 < int((targets >= THRESHOLD).sum()) < len(targets)


def average_precision(targets: Floats, scores: Floats) -> float | None:
    """Return a split's average precision; None where its rows are all true or all false."""
    known = ~np.isnan(targets)
    if not _rankable(targets[known]):
        return None
    return float(average_precisions(targets[known], scores[known], [np.arange(int(known.sum()))])[0])


def _average_precision(split: str, targets: Floats, scores: Sequence[Floats], resamples: int) -> dict[str, Any]:
    """Return a split's figures of the model and its loss, from the scores of the checkpoint and of the model."""
    known = ~np.isnan(targets)
    if not _rankable(targets[known]):
        return dict.fromkeys(f"{split}_{name}{end}" for name in ("ap", "ap_loss") for end in ("", "_low", "_high"))
    rows = targets[known, None]
    drawn = [np.arange(len(rows)), *draw_resamples(rows, resamples)]
    reference, found = (
        resampled_values("average_precision", "binary", rows, model[known, None], drawn) for model in scores
    )
    figures: dict[str, Any] = {}
    for name, values in ((f"{split}_ap", found), (f"{split}_ap_loss", reference - found)):
        between = interval(values[1:])
        figures |= {name: float(values[0]), f"{name}_low": between.low, f"{name}_high": between.high}
    return figures

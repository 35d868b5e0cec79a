"""Pictures of a study for its parent run: how far seeds spread, how they learn and rank, how honest they are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.naming.composed_names import label_picture
from tasks.core.base.naming.file_names import CURVES_PICTURE, SEEDS_PICTURE
from tasks.core.metrics.heads import THRESHOLD
from tasks.core.training.seeds.predictions import Predictions, read_predictions
from tasks.core.training.seeds.selection import Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPREAD = ("average_precision", "roc_auc", "f1", "precision", "recall")
WINNER, OTHERS = "#c0392b", "#7f8c8d"
BINS = 10


def draw_pictures(selection: Selection) -> Iterator[tuple[str, "Figure"]]:
    """Yield file names and pictures of a study; each label has its own precision-recall and reliability pictures."""
    yield SEEDS_PICTURE, seed_spread(selection)
    yield CURVES_PICTURE, learning_curves(selection)
    labels = selection.winner.plan.splits.labels
    for label in labels:
        named = label if len(labels) > 1 else None
        predictions = {
            candidate.result.seed: read_predictions(candidate.plan, "test", [label])
            for candidate in selection.candidates
        }
        yield label_picture(named, "precision_recall"), precision_recall(selection, label, predictions)
        yield label_picture(named, "reliability"), reliability(selection, label, predictions)


def seed_spread(selection: Selection) -> "Figure":
    """Every seed's test figures, metric by metric, the winner marked."""
    figure, axes = _canvas(f"{selection.winner.plan.study}: test figures by seed", "", "figure")
    offsets = np.linspace(-0.18, 0.18, len(selection.candidates)) if len(selection.candidates) > 1 else np.zeros(1)
    for candidate, offset in zip(selection.candidates, offsets, strict=True):
        values = [candidate.result.metrics[f"test_{name}"] for name in SPREAD]
        won = candidate is selection.winner
        style = {"color": WINNER, "marker": "D", "zorder": 3} if won else {"color": OTHERS, "marker": "o"}
        axes.scatter(np.arange(len(SPREAD)) + offset, values, **style)
    axes.scatter([], [], color=OTHERS, label="other seeds")
    axes.scatter([], [], color=WINNER, marker="D", label=_winner(selection))
    axes.set_xticks(range(len(SPREAD)), [name.replace("_", " ") for name in SPREAD])
    axes.legend()
    return figure


def learning_curves(selection: Selection) -> "Figure":
    """Validation metric and training loss of every seed by epoch."""
    figure, axes = _canvas(f"{selection.winner.plan.study}: learning curves", "epoch", f"validation {selection.metric}")
    losses = axes.twinx()
    losses.set_ylabel("training loss (dotted)")
    for candidate in selection.candidates:
        evaluations = candidate.result.evaluations
        epochs = [evaluation["epoch"] for evaluation in evaluations]
        style = _style(selection, candidate.result.seed)
        values = [evaluation[f"validation_{selection.metric}"] for evaluation in evaluations]
        axes.plot(epochs, values, marker="o", markersize=3, **style)
        losses.plot(epochs, [evaluation["train_loss"] for evaluation in evaluations], **style | {"linestyle": ":"})
    axes.plot([], [], **_style(selection, selection.winner.result.seed), label=_winner(selection))
    axes.legend(loc="lower right")
    return figure


def precision_recall(selection: Selection, label: str, predictions: dict[int, Predictions]) -> "Figure":
    """Precision over recall on the test rows: every seed, the winner, and the mean probability of the seeds."""
    figure, axes = _canvas(f"{label}: precision and recall on the test rows", "recall", "precision")
    for seed, rows in predictions.items():
        _draw_curve(axes, rows.targets, rows.scores, _style(selection, seed))
    mean = np.mean([rows.scores for rows in predictions.values()], axis=0)
    targets = next(iter(predictions.values())).targets
    _draw_curve(axes, targets, mean, {"color": "black", "linestyle": "--", "label": "mean probability"})
    axes.plot([], [], **_style(selection, selection.winner.result.seed), label=_winner(selection))
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower left")
    return figure


def reliability(selection: Selection, label: str, predictions: dict[int, Predictions]) -> "Figure":
    """Observed share of true rows over predicted probability, in bins of equal size, for every seed."""
    from sklearn.calibration import calibration_curve  # noqa: PLC0415

    figure, axes = _canvas(f"{label}: reliability on the test rows", "predicted probability", "observed share")
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, label="perfectly calibrated")
    for seed, rows in predictions.items():
        targets, scores = _known(rows.targets, rows.scores)
        observed, predicted = calibration_curve(targets, scores, n_bins=BINS, strategy="quantile")
        axes.plot(predicted, observed, marker="o", markersize=3, **_style(selection, seed))
    axes.plot([], [], **_style(selection, selection.winner.result.seed), label=_winner(selection))
    axes.legend(loc="upper left")
    return figure


def _canvas(title: str, x: str, y: str) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second, where a picture is drawn

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes


def _style(selection: Selection, seed: int) -> dict[str, Any]:
    if seed == selection.winner.result.seed:
        return {"color": WINNER, "linewidth": 2.0, "zorder": 3}
    return {"color": OTHERS, "linewidth": 0.9, "alpha": 0.7}


def _winner(selection: Selection) -> str:
    return f"selected seed {selection.winner.result.seed}"


def _known(targets: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    known = ~np.isnan(targets[:, 0])
    return targets[known, 0] >= THRESHOLD, scores[known, 0]


def _draw_curve(axes: "Axes", targets: NDArray[np.float64], scores: NDArray[np.float64], style: dict[str, Any]) -> None:
    from sklearn.metrics import precision_recall_curve  # noqa: PLC0415

    precision, recall, _ = precision_recall_curve(*_known(targets, scores))
    axes.step(recall, precision, where="post", **style)

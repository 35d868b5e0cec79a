"""A picture of the simulated loop: each figure over the labels bought, a line a method, a band over the repetitions."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PANELS = {
    "precision_at_20": "precision at 20",
    "precision_at_50": "precision at 50",
    "average_precision": "average precision",
    "expansion": "texts above the calibrated threshold",
    "expansion_true": "true texts above it",
    "positives_found": "true labels bought",
}
BOUGHT = "labels_bought"
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#111827")


def draw_loop(lines: list[dict[str, Any]], paths: list[Path]) -> None:
    """Draw the lines of `rounds_of` into files, of the kind of their suffixes."""
    figure = Figure(figsize=(13, 7.5), layout="constrained")
    figure.suptitle("Four rare labels, unseen texts; means of the repetitions, bands from the least to the most")
    methods = list(dict.fromkeys(line["method"] for line in lines))
    for place, (name, title) in enumerate(PANELS.items(), start=1):
        axes = figure.add_subplot(2, 3, place)
        for colour, method in zip(COLOURS, methods, strict=False):
            _draw(axes, [line for line in lines if line["method"] == method and line[name] is not None], name, colour)
        axes.set(title=title, xlabel="labels bought")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(methods))
    for path in paths:
        figure.savefig(path, dpi=110)


def _draw(axes: Axes, lines: list[dict[str, Any]], name: str, colour: str) -> None:
    if not lines:
        return
    bought = [line[BOUGHT] for line in lines]
    axes.plot(bought, [line[name] for line in lines], marker="o", color=colour, label=lines[0]["method"])
    low, high = ([line[f"{name}_range"][edge] for line in lines] for edge in (0, 1))
    axes.fill_between(bought, low, high, color=colour, alpha=0.12, linewidth=0)

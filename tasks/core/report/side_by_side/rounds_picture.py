"""The picture of rounds beside each other: a line a label, a panel a figure, intervals as bars."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from tasks.core.base.files import write_aside
from tasks.core.base.naming.file_names import COMPARISON_PICTURES
from tasks.core.metrics.warning_words import NOT_MEASURED
from tasks.core.report.side_by_side.measure import Measure
from tasks.core.report.side_by_side.round_figures import LabelFigures
from tasks.core.report.side_by_side.rounds_table import COLUMNS, Column

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Methods are told apart by these, which also the colour-blind tell apart (Okabe and Ito)."""
MARKS = ("o", "s", "D", "^", "v", "P")
FAINT = "#6b6b6b"
SHARES = ("precision_at_20", "precision_at_50", "precision_at_10000", "test_average_precision")
PANEL_INCHES, LINE_INCHES, MARGIN_INCHES = 1.75, 0.34, 1.5
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "comparison",
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "ytick.left": False,
}
WITHOUT = {"svg": dict.fromkeys(("Creator", "Date", "Format", "Type")), "png": {"Software": None}}
"""The same figures give the same bytes: a picture does not say when it was made."""


def write_pictures(folder: Path, lines: Sequence[LabelFigures]) -> list[Path]:
    """Draw the comparison as SVG and PNG, and return where."""
    paths = [folder / name for name in COMPARISON_PICTURES]
    with rc_context(STYLE):
        figure = _draw(lines)
        for path in paths:
            form = path.suffix[1:]
            with write_aside(path) as aside:
                figure.savefig(aside, format=form, dpi=150, metadata=WITHOUT[form])
    return paths


def _draw(lines: Sequence[LabelFigures]) -> Figure:
    height = MARGIN_INCHES + LINE_INCHES * max(len(lines), 3)
    figure = Figure(figsize=(2.2 + PANEL_INCHES * len(COLUMNS), height), layout="constrained")
    panels = figure.subplots(1, len(COLUMNS), sharey=True)
    methods = list(dict.fromkeys(line.method for line in lines))
    for axes, (name, column) in zip(panels, COLUMNS.items(), strict=True):
        _paint(axes, name, column, lines, methods)
    panels[0].set_yticks(range(len(lines)), [f"{line.round_name} · {line.label}" for line in lines])
    panels[0].set_ylim(len(lines) - 0.5, -0.5)
    handles = [panels[0].plot([], [], MARKS[_of(place)], color=COLOURS[_of(place)])[0] for place in range(len(methods))]
    figure.legend(handles, methods, loc="outside lower center", ncols=len(methods), frameon=False)
    return figure


def _paint(axes: Axes, name: str, column: Column, lines: Sequence[LabelFigures], methods: list[str]) -> None:
    axes.set_title(column.title, fontsize=9)
    found = [line.measures[name] for line in lines]
    _scale(axes, name, found)
    for place, (line, one) in enumerate(zip(lines, found, strict=True)):
        if place and line.country != lines[place - 1].country:
            axes.axhline(place - 0.5, color="#bbbbbb", linewidth=0.8)
        if one.value is None:
            axes.text(0.5, place, NOT_MEASURED, transform=axes.get_yaxis_transform(), **_QUIET)
        else:
            _mark(axes, place, one, one.value, _of(methods.index(line.method)))


_QUIET: Any = {"ha": "center", "va": "center", "fontsize": 8, "fontstyle": "italic", "color": FAINT}


def _mark(axes: Axes, place: int, one: Measure, value: float, method: int) -> None:
    if one.low is not None and one.high is not None:
        axes.plot([one.low, one.high], [place, place], color=COLOURS[method], linewidth=1.6, solid_capstyle="butt")
    axes.plot([value], [place], MARKS[method], color=COLOURS[method], markersize=5)


def _scale(axes: Axes, name: str, found: Sequence[Measure]) -> None:
    """Shares go from 0 to 1, numbers of texts and hours by powers of ten where they lie far apart."""
    values = [value for one in found for value in (one.value, one.low, one.high) if value is not None]
    if name in SHARES:
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    elif not values:
        axes.set_xticks([])
    elif min(values) > 0 and max(values) > 10 * min(values):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=4))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    else:
        axes.set_xlim(0, max(values) * 1.1 or 1)
        axes.locator_params(axis="x", nbins=3)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def _of(place: int) -> int:
    return place % len(COLOURS)

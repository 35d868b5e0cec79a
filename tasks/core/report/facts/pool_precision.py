"""Section `precision`: how many of a label's best texts are true, by rank, as the labels with known odds say."""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tasks.core.evaluation.evaluation_record import EvaluationRecord
from tasks.core.evaluation.verdict_tables import figure_rows
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.svg_chart import FIRST, SECOND, chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gather_precision(files: RoundFiles) -> dict[str, Any]:
    """Return each label's estimates, with a chart of precision by rank.

    Raises:
        Absent: no label of the run is evaluated.
    """
    records = files.evaluations
    return {"labels": [_label(record) for record in records.values()], "glance": _glance(records)}


def _glance(records: dict[str, EvaluationRecord]) -> dict[str, str]:
    known = {
        (label, int(rank)): top["precision"]["value"]
        for label, record in records.items()
        for rank, top in record.tops.items()
        if top["precision"] is not None
    }
    first = {label: min(rank for of, rank in known if of == label) for label, _ in known}
    return {f"{label}: precision at {rank:,}": f"{known[label, rank]:.2f}" for label, rank in first.items()}


def _label(record: EvaluationRecord) -> dict[str, Any]:
    rows = [{name: cell for name, cell in row.items() if name != "label"} for row in figure_rows([record])]
    return {
        "label": record.label,
        "version": f"{record.registered_model} version {record.version}",
        "answered": f"{record.answered:,} of {record.asked:,}",
        "labels": f"{record.labels:,}",
        "reach": f"{record.reach:,}",
        "rows": [row if any(row["note"] for row in rows) else _without_note(row) for row in rows],
        "measured": _measured(record),
        "tied_seeds": (record.tied_seeds or {}).get("sentence", ""),
        "chart": _curve(record) if record.curve else "",
    }


def _measured(record: EvaluationRecord) -> dict[str, str]:
    """Return what was measured beside the labels, where the round asks for it."""
    found, variety, said = record.seed_sentences, record.diversity, {}
    if found is not None and found["recall"] is not None:
        said["texts with a seed sentence among the best"] = (
            f"{found['recall']:.1%} ({found['in_top']:,} of {found['in_pool']:,}, best {found['rank']:,})"
        )
    if variety is not None:
        said[f"distance of the best {variety['texts']:,} texts, by {variety['by']}"] = (
            f"{variety['mean_pairwise']:.3f} of two, {variety['mean_largest']:.3f} to the one that is least like a text"
        )
    return said


def _without_note(row: dict[str, Any]) -> dict[str, Any]:
    return {name: cell for name, cell in row.items() if name != "note"}


def _curve(record: EvaluationRecord) -> Markup:
    points = record.curve

    def paint(axes: "Axes") -> None:
        from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415 - loaded where a chart is drawn

        for point in points:
            first, last, within = point["first"], point["last"], point["within"]
            axes.fill_between([first, last], within["low"], within["high"], color=SECOND, alpha=0.2, linewidth=0)
            axes.plot([first, last], [within["value"]] * 2, color=SECOND, linewidth=1.5)
        down = [point["down_to"]["value"] for point in points]
        axes.plot([point["last"] for point in points], down, color=FIRST, marker="o", markersize=3)
        axes.plot([], [], color=FIRST, marker="o", markersize=3, label="down to this rank")
        axes.plot([], [], color=SECOND, label="between ranks, 95 % band")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rank, _: f"{rank:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(0.9, max(10, points[-1]["last"]))
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("rank")
        axes.set_ylabel("precision")
        axes.legend(fontsize=8)

    return chart(f"precision-{record.label}", f"{record.label}: precision by rank, with 95 % bands", paint)

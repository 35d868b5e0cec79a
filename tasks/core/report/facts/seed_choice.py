"""Section `seeds`: how far seeds lie apart, which one was selected, and which others could as well have been."""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tasks.core.base.formats import Content
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.svg_chart import FAINT, FIRST, INK, SECOND, chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gather_seeds(files: RoundFiles) -> dict[str, Any]:
    """Return each study's seeds, with a chart of their validation figures and intervals."""
    found = [files.selection(study) for study in files.round_.studies]
    glance = {
        f"{one['study']}: {_plain(one['metric'])}": f"{one['winner']['value']:.3f} (seed {one['winner']['seed']})"
        for one in found
    }
    return {"studies": [_study(one) for one in found], "glance": glance}


def _study(found: Content) -> dict[str, Any]:
    return {
        "study": found["study"],
        "metric": _plain(found["metric"]),
        "winner": found["winner"]["seed"],
        "tied": [seed for seed in found["tied_seeds"] if seed != found["winner"]["seed"]],
        "tied_means": found["tied_means"],
        "tie_rule": found["tie_rule"],
        "rows": [_row(found, seed) for seed in found["seeds"]],
        "failed": found["failed_seeds"],
        "warnings": found.get("warnings", []),
        "chart": _spread(found),
    }


def _row(found: Content, seed: Content) -> dict[str, str]:
    selected = seed["seed"] == found["winner"]["seed"]
    figures = seed["metrics"]
    return {
        "seed": str(seed["seed"]),
        _plain(found["metric"]): f"{seed['value']:.4f}",
        "95 % interval": f"{seed['interval']['low']:.4f} to {seed['interval']['high']:.4f}",
        "test AP": f"{figures['test_average_precision']:.4f}",
        "test F1": f"{figures['test_f1']:.4f}",
        "": "selected" if selected else "tied" if seed["tied"] else "",
    }


def _spread(found: Content) -> Markup:
    seeds, winner = found["seeds"], found["winner"]["seed"]

    def paint(axes: "Axes") -> None:
        for place, seed in enumerate(seeds):
            low, high = seed["interval"]["low"], seed["interval"]["high"]
            colour = FIRST if seed["seed"] == winner else SECOND if seed["tied"] else FAINT
            axes.plot([low, high], [place, place], color=colour, linewidth=2)
            axes.plot([seed["value"]], [place], marker="D" if seed["seed"] == winner else "o", color=colour)
        axes.set_yticks(range(len(seeds)), [f"seed {seed['seed']}" for seed in seeds], color=INK)
        axes.set_ylim(len(seeds) - 0.5, -0.5)
        axes.set_xlabel(f"{_plain(found['metric'])}, 95 % interval")

    said = f"{found['study']}: {_plain(found['metric'])} of each seed, with its interval; seed {winner} is selected"
    return chart(f"seeds-{found['study']}", said, paint, (4.5, 0.9 + 0.3 * max(len(seeds), 3)))


def _plain(metric: str) -> str:
    return metric.replace("_", " ")

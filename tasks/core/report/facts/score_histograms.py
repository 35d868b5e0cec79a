"""Section `histograms`: where a label's scores lie, beside the last round's of the same sample."""

from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from scipy.special import logit

from tasks.core.ranking.ranked import open_ranked
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.finished_runs import FinishedRun
from tasks.core.report.svg_chart import FAINT, FIRST, chart
from tasks.core.runs.score_bins import FIRST_OF_EXPERT, bounds_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EDGES = np.arange(-18.0, 18.5, 0.5)
"""Bars are half a step of log-odds wide; what lies beyond counts to the outermost."""
Shares = NDArray[np.float64]


def gather_histograms(files: RoundFiles) -> dict[str, Any]:
    """Return a chart a label of how many texts have which score, with the last round's in the background.

    Raises:
        Absent: no run is finished.
    """
    run, last = files.run, files.last_run
    return {
        "last": "" if last is None else f"{last.round_name}, run {last.manifest['run_id']}",
        "other_texts": last is not None and last.as_pool.sample_digest != run.as_pool.sample_digest,
        "labels": [_label(label, run, last) for label in run.labels],
    }


def _label(label: str, run: FinishedRun, last: FinishedRun | None) -> dict[str, Any]:
    own, left_out = _shares(run, label)
    before = None if last is None or label not in last.labels else _shares(last, label)[0]
    above = float(own[EDGES[1:] > 0].sum())
    return {
        "label": label,
        "above": f"{above:.2%}",
        "left_out": f"{left_out:.1%}" if left_out else "",
        "chart": _chart(label, own, before),
    }


def _shares(run: FinishedRun, label: str) -> tuple[Shares, float]:
    """Return which share of the texts lies in each bar, and which share no expert scored."""
    with open_ranked(run.folder, label, "all") as ranked:
        counts = ranked.bins
    held = np.flatnonzero(counts)
    expert = held[held >= FIRST_OF_EXPERT]
    low = np.array([bounds_of(int(bin_), int(bin_))[0] for bin_ in expert])
    places = np.clip(np.searchsorted(EDGES, logit(np.clip(low, 1e-300, 1 - 2.0**-53)), "right") - 1, 0, len(EDGES) - 2)
    bars = np.bincount(places, weights=counts[expert], minlength=len(EDGES) - 1)
    rows = max(int(counts.sum()), 1)
    return bars / rows, 1 - float(bars.sum()) / rows


def _chart(label: str, own: Shares, before: Shares | None) -> Markup:
    shown = own if before is None else own + before
    held = np.concatenate([shares[shares > 0] for shares in (own, before) if shares is not None])

    def paint(axes: "Axes") -> None:
        from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415 - loaded where a chart is drawn

        if before is not None:
            axes.stairs(before, EDGES, color=FAINT, fill=True, alpha=0.35, label="last round")
        axes.stairs(own, EDGES, color=FIRST, linewidth=1.6, label="this round")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(10.0 ** np.floor(np.log10(held.min(initial=0.1))) / 2, 1.5)
        axes.set_xlim(*_range(shown))
        axes.set_xlabel("score, in log-odds")
        axes.set_ylabel("share of the texts")
        axes.legend(fontsize=8)

    beside = " beside the last round's" if before is not None else ""
    return chart(f"histogram-{label}", f"{label}: share of the texts by score{beside}", paint)


def _range(shares: Shares) -> tuple[float, float]:
    """Return the log-odds from the lowest bar to the highest, with some room."""
    held = np.flatnonzero(shares)
    return (-6.0, 6.0) if not len(held) else (float(EDGES[held[0]]) - 2, float(EDGES[held[-1] + 1]) + 2)

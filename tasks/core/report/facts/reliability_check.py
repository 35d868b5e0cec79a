"""Section `reliability`: whether a score of 0.8 means that eight of ten such texts are true, before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tasks.core.base.naming.file_names import CALIBRATION_FILE
from tasks.core.evaluation.calibration.calibrate import Calibration, read_calibration
from tasks.core.evaluation.evaluation_record import EvaluationRecord
from tasks.core.metrics.share_bounds import share_interval
from tasks.core.report.facts.labelled_scores import labelled_scores
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.svg_chart import FAINT, FIRST, SECOND, chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 8
LEAST = 5
"""A bin of fewer labelled texts says too little."""


@dataclass(frozen=True)
class Bin:
    """Labelled texts of like scores."""

    texts: int
    mean: float
    true: int

    @property
    def share(self) -> float:
        """The share of them that is true."""
        return self.true / self.texts


def gather_reliability(files: RoundFiles) -> dict[str, Any]:
    """Return each label's threshold, and a chart of what scores promise beside what labels say.

    Raises:
        Absent: no label of the run is evaluated.
    """
    return {"labels": [_label(files, record) for record in files.evaluations.values()]}


def _label(files: RoundFiles, record: EvaluationRecord) -> dict[str, Any]:
    if "refused" in record.calibration:
        return {"label": record.label, "refused": record.calibration["refused"]}
    calibration = read_calibration(files.evaluation_folder(record.label) / CALIBRATION_FILE)
    scores, truth = labelled_scores(files, record.label)
    above = record.expansion
    return {
        "label": record.label,
        "refused": "",
        "method": calibration.method,
        "texts": f"{calibration.positives:,} true and {calibration.negatives:,} false ones",
        "threshold": f"{calibration.threshold:.4g}",
        "between": f"{calibration.threshold_low:.4g} and {calibration.threshold_high:.4g}",
        "above": f"{above['above']['value']:,.0f}" if above else "",
        "chart": _chart(record.label, calibration, scores, truth),
    }


def bins_of(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> list[Bin]:
    """Return labelled texts in bins of like scores, each of as many texts."""
    order = np.argsort(scores, kind="stable")
    count = max(1, min(BINS, len(scores) // LEAST))
    parts = [part for part in np.array_split(order, count) if len(part)]
    return [Bin(len(part), float(scores[part].mean()), int(truth[part].sum())) for part in parts]


def _chart(label: str, calibration: Calibration, scores: NDArray[np.float64], truth: NDArray[np.float64]) -> Markup:
    kinds: Sequence[tuple[str, str, NDArray[np.float64]]] = (
        ("score as it is", SECOND, scores),
        ("calibrated", FIRST, calibration.probability(scores)),
    )

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":")
        for name, colour, values in kinds:
            found = bins_of(values, truth)
            means = [one.mean for one in found]
            for one in found:
                axes.plot([one.mean] * 2, share_interval(one.true, one.texts), color=colour, alpha=0.45)
            axes.plot(means, [one.share for one in found], color=colour, marker="o", markersize=4, label=name)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("what the score says")
        axes.set_ylabel("share that is true")
        axes.legend(fontsize=8)

    said = f"{label}: share of labelled texts that are true, by score and by calibrated probability"
    return chart(f"reliability-{label}", said, paint)

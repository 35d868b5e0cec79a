"""Figures of a converted label that lie within the strict limits."""

from dataclasses import replace

from tasks.core.conversion.parity.parity_figures import LabelFigures
from tasks.core.conversion.parity.ranking_shift import RankingShift, TopShift

SPLIT = {
    "ap": 0.91234, "ap_low": 0.88, "ap_high": 0.94, "ap_loss": 0.0012, "ap_loss_low": -0.0003, "ap_loss_high": 0.0019,
}  # fmt: skip
SHIFT = RankingShift(
    texts=5000,
    tops={
        "20": TopShift(20, 0.0021, 1e-6, 0, 1.0, 1.0),
        "100": TopShift(100, 0.0123, 2e-6, 0, 0.99, 1.0),
        "1000": TopShift(1000, 0.0381, 3e-6, 0, 0.985, 1.0),
        "1 %": TopShift(200, 0.021, 2e-6, 0, 0.995, 1.0),
    },
    rms_error=0.0104,
    largest_error=0.0513,
    probability_shift=-0.0005,
    flips=7,
    flips_beyond=0,
    flip_distance=0.0312,
)
FIGURES = LabelFigures(
    texts=5000,
    max_logit_difference=0.0513,
    mean_logit_difference=0.0042,
    kendall_tau=0.99812,
    spearman=0.9999,
    kendall_tau_top=0.971,
    spearman_top=0.98,
    shift=SHIFT,
    threshold=0.41,
    distinct_top=998,
    distinct_top_checkpoint=1000,
    **{f"{split}_{name}": value for split in ("validation", "test") for name, value in SPLIT.items()},
)


def with_top(name: str, shift: RankingShift = SHIFT, **changes: float) -> RankingShift:
    """Return the shift with other figures of one best k."""
    return replace(shift, tops=shift.tops | {name: replace(shift.tops[name], **changes)})

"""Figures of a converted label that lie within the strict limits."""

from tasks.core.conversion.parity.parity_figures import LabelFigures

SPLIT = {
    "ap": 0.91234, "ap_low": 0.88, "ap_high": 0.94, "ap_loss": 0.0012, "ap_loss_low": -0.0003, "ap_loss_high": 0.0019,
}  # fmt: skip
FIGURES = LabelFigures(
    texts=5000,
    max_logit_difference=0.0513,
    mean_logit_difference=0.0042,
    kendall_tau=0.99812,
    spearman=0.9999,
    kendall_tau_top=0.971,
    spearman_top=0.98,
    overlap={"20": 1.0, "100": 0.99, "1000": 0.985, "1 %": 0.995},
    probability_change=0.0005,
    flips=7,
    flip_share=0.014,
    threshold=0.41,
    distinct_top=998,
    distinct_top_checkpoint=1000,
    **{f"{split}_{name}": value for split in ("validation", "test") for name, value in SPLIT.items()},
)

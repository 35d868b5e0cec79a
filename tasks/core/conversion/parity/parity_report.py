"""The parity report for people: which variant serves and why, every variant's figures, and a picture.

Reads the dict that stands as parity.json in the model folder; takes no decision of its own.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tasks.core.base.markdown import markdown_table
from tasks.core.round.conversion_section import AT_MOST

Report = Mapping[str, Any]

SPEED = "texts_per_second_per_core"
FIGURES = (
    "tau", "tau top 1000", "Spearman", "Spearman top 1000", "overlap 20", "overlap 100", "overlap 1000", "overlap 1 %",
    "flips", "probability change", "distinct top 1000", "max logit diff", "mean logit diff",
    "validation AP", "validation AP loss", "test AP", "test AP loss",
)  # fmt: skip
OF_ALL = "overlaps of all scored"
COSTS = (OF_ALL, "batch variance", "padding variance", "texts/s/core", "peak MiB", "file MiB")
UNMEASURED = "not measurable"
MARKED = 100
PANELS_A_ROW = 3
TEXTS, BEST = "#7f8c8d", "#c0392b"


def parity_rows(report: Report, label: str) -> list[dict[str, Any]]:
    """Return a label's table: a row a variant and, where two seeds were compared, one of what retraining alone moves.

    All cells are text; those of a variant that was not tried are empty. `serves` marks the variant that serves.
    """
    rows = [_variant_row(report, variant, label) for variant in report["variants"]]
    if report["retraining"]:
        seeds = ", ".join(str(seed) for seed in report["retraining"]["seeds"])
        rows.append(_row(f"retraining alone (seeds {seeds})", _figures(report["retraining"]["labels"][label])))
    return rows


def parity_markdown(report: Report) -> str:
    """Return the whole report as Markdown: what serves and why, the limits, a table a label, failures, seeds."""
    labels: Mapping[str, Any] = next((each["labels"] for each in report["variants"] if each["tried"]), {})
    tables = [f"## {label}\n\n{markdown_table(parity_rows(report, label))}" for label in labels]
    parts = [f"# {_title(report)}", _limits(report), *tables, _failures(report), _seeds(report["seeds"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def draw_scatter(label: str, reference: NDArray[np.floating], found: Mapping[str, NDArray[np.floating]]) -> Figure:
    """Draw a panel a variant: how far its log-odds are off, over the checkpoint's; both of shape (texts,).

    Points on a smooth line keep their order, a cloud does not, and a falling line of slope -1 is saturation: errors
    too small to see beside the identity show here. The checkpoint's 100 best texts are marked.
    """
    lines = -(-len(found) // PANELS_A_ROW)
    figure = Figure(figsize=(4 * min(len(found), PANELS_A_ROW), 3.4 * lines + 0.4), layout="constrained")
    figure.suptitle(f"{label}: how far each variant's log-odds are off, the checkpoint's {MARKED} best texts in red")
    best = np.argsort(reference)[-MARKED:]
    for place, (variant, odds) in enumerate(found.items(), start=1):
        axes = figure.add_subplot(lines, min(len(found), PANELS_A_ROW), place)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.scatter(reference, odds - reference, s=3, color=TEXTS, linewidths=0, rasterized=True)
        axes.scatter(reference[best], (odds - reference)[best], s=5, color=BEST, linewidths=0, rasterized=True)
        axes.set(title=variant, xlabel="checkpoint's log-odds", ylabel="variant's minus checkpoint's")
        axes.grid(alpha=0.3)
    return figure


def _variant_row(report: Report, variant: Report, label: str) -> dict[str, Any]:
    serves = "serves" if variant["variant"] == report["serves"] else ""
    if not variant["tried"]:
        return _row(variant["variant"], {}, serves, f"not tried: {variant['not_tried']}")
    of_all = variant["overlap_scored"].get(label, {})
    costs = {
        OF_ALL: ", ".join(f"{share:.3f}" for share in of_all.values()),
        "batch variance": f"{variant['batch_variance']:.2g}",
        "padding variance": f"{variant['padding_variance']:.2g}",
        "texts/s/core": f"{variant[SPEED]:.0f}",
        "peak MiB": f"{variant['peak_memory_mebibytes']:.0f}",
        "file MiB": f"{variant['file_mebibytes']:.1f}",
    }
    return _row(variant["variant"], _figures(variant["labels"][label]) | costs, serves, _verdict(variant, label))


def _row(name: str, cells: Mapping[str, str], serves: str = "", verdict: str = "") -> dict[str, Any]:
    first = {"variant": name, "serves": serves, "verdict": verdict}
    return first | {column: cells.get(column, "") for column in (*FIGURES, *COSTS)}


def _verdict(variant: Report, label: str) -> str:
    if variant["passes"]:
        return "passes"
    reasons = variant["reasons"].get(label, [])
    if not reasons:
        return "fails: on " + ", ".join(other for other, found in variant["reasons"].items() if found)
    return f"fails: {reasons[0]}" + (f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else "")


def _figures(figures: Report) -> dict[str, str]:
    correlations = [figures[name] for name in ("kendall_tau", "kendall_tau_top", "spearman", "spearman_top")]
    tau, tau_top, spearman, spearman_top = (UNMEASURED if value is None else f"{value:.4f}" for value in correlations)
    aps = {
        f"{split} AP{ending}": _interval(figures, f"{split}_ap{key}", sign)
        for split in ("validation", "test")
        for ending, key, sign in (("", "", ""), (" loss", "_loss", "+"))
    }
    return {
        "tau": tau,
        "tau top 1000": tau_top,
        "Spearman": spearman,
        "Spearman top 1000": spearman_top,
        **{f"overlap {top}": f"{share:.3f}" for top, share in figures["overlap"].items()},
        "flips": f"{figures['flips']} of {figures['texts']}",
        "probability change": f"{figures['probability_change']:.2g}",
        "distinct top 1000": f"{figures['distinct_top']} of {figures['distinct_top_checkpoint']}",
        "max logit diff": f"{figures['max_logit_difference']:.2g}",
        "mean logit diff": f"{figures['mean_logit_difference']:.2g}",
        **aps,
    }


def _interval(figures: Report, name: str, sign: str) -> str:
    if figures[name] is None:
        return UNMEASURED
    value, low, high = (f"{figures[name + end]:{sign}z.4f}" for end in ("", "_low", "_high"))
    return f"{value} ({low} to {high})"


def _title(report: Report) -> str:
    serves = report["serves"]
    passing = {
        variant["variant"]: variant[SPEED] for variant in report["variants"] if variant["tried"] and variant["passes"]
    }
    if serves not in passing:
        return f"{serves} serves, although it does not pass" if serves else "Nothing serves: no variant passes"
    speed = f"{serves} serves, at {passing[serves]:.0f} texts/s/core"
    if len(passing) == 1:
        return f"{speed}: the only variant that passes"
    fastest = max(passing, key=passing.__getitem__)
    if passing[fastest] > passing[serves]:
        return f"{speed}, although {fastest} passes, too, and is faster at {passing[fastest]:.0f}"
    return f"{speed}: the fastest of the {len(passing)} that pass"


def _limits(report: Report) -> str:
    limits = ", ".join(
        f"{name} {'at most' if name in AT_MOST else 'at least'} {limit:g}" for name, limit in report["limits"].items()
    )
    weakened = f"**Gate weakened: {report['gate_weakened']}.** " if report.get("gate_weakened") else ""
    return (
        f"{weakened}Limits ({report['preset']}): {limits}. Compared on {report['parity_texts']} texts that hold the "
        f"top of {report['scored_texts']} scored ones."
    )


def _failures(report: Report) -> str:
    lines = [
        f"- {variant['variant']}, {label}: {reason}"
        for variant in report["variants"]
        if variant["tried"] and not variant["passes"]
        for label, reasons in variant["reasons"].items()
        for reason in reasons
    ]
    return "## Why variants fail\n\n" + "\n".join(lines) if lines else ""


def _seeds(seeds: list[dict[str, Any]]) -> str:
    if not seeds:
        return ""
    rows = [
        {
            "seed": str(seed["seed"]),
            "selected": "selected" if seed["selected"] else "",
            "variant": seed["variant"],
            "validation AP": _ap(seed["validation_ap"]),
            "note": seed["note"],
        }
        for seed in seeds
    ]
    return f"## Seeds as shipped\n\n{markdown_table(rows)}\n\n{_best_seed(seeds)}"


def _best_seed(seeds: list[dict[str, Any]]) -> str:
    measured = [seed for seed in seeds if seed["validation_ap"] is not None]
    selected = next((seed for seed in measured if seed["selected"]), None)
    if selected is None:
        return "The selected seed's validation AP as shipped was not measured."
    best = max(measured, key=lambda seed: (seed["validation_ap"], seed["selected"]))
    if best is selected:
        return f"The selected seed {selected['seed']} is the best as shipped."
    return (
        f"Seed {best['seed']} is better as shipped than the selected seed {selected['seed']}: validation AP "
        f"{_ap(best['validation_ap'])} against {_ap(selected['validation_ap'])}."
    )


def _ap(value: float | None) -> str:
    return UNMEASURED if value is None else f"{value:.4f}"

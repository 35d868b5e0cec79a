"""The table of a parity report: a row a variant, a cell a figure, all of it text.

Reads the dict that stands as parity.json in the model folder; takes no decision of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tasks.core.conversion.parity.parity_figures import TOP
from tasks.core.metrics.warning_rules import has_edge, is_a_top
from tasks.core.metrics.warning_words import NOT_MEASURED

Report = Mapping[str, Any]

SPEED = "texts_per_second_per_core"
UNMEASURED = "not measurable"
SHIFT = (
    "judged on", "of retraining", "displacement 20, 100, 1000, 1 %", "regret", "overlap", "near-ties kept",
    "rms error", "largest error", "probability shift", "flips",
)  # fmt: skip
FIGURES = (
    "tau", "tau top 1000", *SHIFT, "distinct top 1000",
    "validation AP", "validation AP loss", "test AP", "test AP loss",
)  # fmt: skip
COSTS = ("batch variance", "padding variance", "texts/s/core", "peak MiB", "file MiB")


def parity_rows(report: Report, label: str) -> list[dict[str, Any]]:
    """Return a label's table: a row a variant and, where two seeds were compared, one of what retraining alone moves.

    All cells are text; those of a variant that was not tried are empty. `serves` marks the variant that serves.
    """
    retraining = report["retraining"] and report["retraining"]["labels"][label]
    rows = [_variant_row(report, variant, label, retraining) for variant in report["variants"]]
    if retraining:
        seeds = ", ".join(str(seed) for seed in report["retraining"]["seeds"])
        rows.append(_row(f"retraining alone (seeds {seeds})", _figures(retraining, retraining["shift"])))
    return rows


def _variant_row(report: Report, variant: Report, label: str, retraining: Report | None) -> dict[str, Any]:
    serves = "serves" if variant["variant"] == report["serves"] else ""
    if not variant["tried"]:
        return _row(variant["variant"], {}, serves, f"not tried: {variant['not_tried']}")
    figures = variant["labels"][label]
    cells = _figures(figures, variant["scored"].get(label, figures["shift"])) | {
        "of retraining": _part(figures["shift"], retraining),
        "batch variance": f"{variant['batch_variance']:.2g}",
        "padding variance": f"{variant['padding_variance']:.2g}",
        "texts/s/core": f"{variant[SPEED]:.0f}",
        "peak MiB": f"{variant['peak_memory_mebibytes']:.0f}",
        "file MiB": f"{variant['file_mebibytes']:.1f}",
    }
    return _row(variant["variant"], cells, serves, _verdict(variant, label))


def _row(name: str, cells: Mapping[str, str], serves: str = "", verdict: str = "") -> dict[str, Any]:
    first = {"variant": name, "serves": serves, "verdict": verdict}
    return first | {column: cells.get(column, "") for column in (*FIGURES, *COSTS)}


def _verdict(variant: Report, label: str) -> str:
    near = variant["near_limit"].get(label, [])
    beside = f", near the limit: {_first_of(near)}" if near else ""
    if variant["passes"]:
        return f"passes{beside}"
    reasons = variant["reasons"].get(label, [])
    if not reasons:
        return "fails: on " + ", ".join(other for other, found in variant["reasons"].items() if found)
    return f"fails: {_first_of(reasons)}" + (", near the limit" if near else "")


def _first_of(found: list[str]) -> str:
    return found[0] + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")


def _part(shift: Report, retraining: Report | None) -> str:
    """Return how far log-odds move as a part of what retraining moves them, on the same texts: 1/40."""
    if not retraining or not shift["rms_error"]:
        return ""
    times = retraining["shift"]["rms_error"] / shift["rms_error"]
    return f"1/{times:.0f}" if times >= 2 else f"{1 / times:.2f}"


def _figures(figures: Report, shift: Report) -> dict[str, str]:
    tau, tau_top = (_tau(figures[name]) for name in ("kendall_tau", "kendall_tau_top"))
    aps = {
        f"{split} AP{ending}": _interval(figures, f"{split}_ap{key}", sign)
        for split in ("validation", "test")
        for ending, key, sign in (("", "", ""), (" loss", "_loss", "+"))
    }
    distinct = f"{figures['distinct_top']} of {figures['distinct_top_checkpoint']}"
    if not has_edge(TOP, figures["texts"]):
        tau_top = distinct = NOT_MEASURED
    return {"tau": tau, "tau top 1000": tau_top, **_shift(shift), "distinct top 1000": distinct, **aps}


def _tau(value: float | None) -> str:
    return UNMEASURED if value is None else f"{value:.4f}"


def _shift(shift: Report) -> dict[str, str]:
    return {
        "judged on": f"{shift['texts']} texts",
        "displacement 20, 100, 1000, 1 %": _listed(shift, "displacement", ".2g", has_edge),
        "regret": _listed(shift, "regret", ".2g", has_edge),
        "overlap": _listed(shift, "overlap", ".3f", is_a_top),
        "near-ties kept": _listed(shift, "overlap_near", ".3f", is_a_top),
        "rms error": f"{shift['rms_error']:.2g}",
        "largest error": f"{shift['largest_error']:.2g}",
        "probability shift": f"{shift['probability_shift']:+.2g}",
        "flips": f"{shift['flips']}, of them beyond the limit {shift['flips_beyond']}",
    }


def _listed(shift: Report, name: str, form: str, is_measured: Callable[[int, int], bool]) -> str:
    """Return the figure of each best k; where the texts are too few for one, that it is not measured."""
    return ", ".join(
        f"{top[name]:{form}}" if is_measured(top["size"], shift["texts"]) else NOT_MEASURED
        for top in shift["tops"].values()
    )


def _interval(figures: Report, name: str, sign: str) -> str:
    if figures[name] is None:
        return UNMEASURED
    value, low, high = (f"{figures[name + end]:{sign}z.4f}" for end in ("", "_low", "_high"))
    return f"{value} ({low} to {high})"

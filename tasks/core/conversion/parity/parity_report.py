"""The parity report for people: which variant serves and why, what that bounds, and every variant's figures.

Reads the dict that stands as parity.json in the model folder; takes no decision of its own.
"""

from collections.abc import Mapping
from typing import Any

from tasks.core.base.markdown import markdown_table
from tasks.core.conversion.parity.parity_table import SPEED, UNMEASURED, Report, parity_rows
from tasks.core.conversion.parity.parity_warnings import warnings_of
from tasks.core.metrics.share_bounds import share_bound
from tasks.core.metrics.warning_words import marked
from tasks.core.round.conversion_section import AT_MOST


def parity_markdown(report: Report) -> str:
    """Return the whole report as Markdown: what serves and why, limits, bounds, a table a label, failures, seeds."""
    labels: Mapping[str, Any] = next((each["labels"] for each in report["variants"] if each["tried"]), {})
    tables = [f"## {label}\n\n{markdown_table(parity_rows(report, label))}" for label in labels]
    bounds = [sentence for label in labels if (sentence := bound_of(report, label))]
    warnings = marked([warning for label in labels for warning in warnings_of(report, label)]).strip()
    parts = [f"# {serving_of(report)}", f"{_weakened(report)}{limits_of(report)}", warnings, *bounds, *tables]
    parts += [_failures(report), _seeds(report["seeds"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def serving_of(report: Report) -> str:
    """Say which variant serves, how fast it is, and why it is this one."""
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


def limits_of(report: Report) -> str:
    """Say what the gate allows, and on how many texts it judged."""
    limits = ", ".join(
        f"{name} {'at most' if name in AT_MOST else 'at least'} {limit:g}" for name, limit in report["limits"].items()
    )
    return (
        f"Limits ({report['preset']}): {limits}. Compared on {report['parity_texts']} texts that hold the "
        f"top of {report['scored_texts']} scored ones."
    )


def _weakened(report: Report) -> str:
    return f"**Gate weakened: {report['gate_weakened']}.** " if report.get("gate_weakened") else ""


def bound_of(report: Report, label: str) -> str:
    """Say what the verdict on the variant that serves bounds for the pool, and beside what; nothing for fp32 itself."""
    serving = next((each for each in report["variants"] if each["variant"] == report["serves"]), None)
    if serving is None or not serving["tried"] or label not in serving["scored"]:
        return ""
    shift, limit = serving["scored"][label], report["limits"]["displacement"]
    texts, beyond = shift["texts"], shift["flips_beyond"]
    farthest = max(top["displacement"] for top in shift["tops"].values())
    at_edges = max(top["beyond"] for top in shift["tops"].values())
    return (
        f"{label}: of {texts} scored texts none changes sides of a best k from farther than {farthest:.2g} log-odds, "
        f"and {beyond} of the threshold from farther than {limit:g}. At 95 % confidence at most "
        f"{share_bound(at_edges, texts):.2%} of the sample's distinct texts would cross an edge of a best k from "
        f"farther than {limit:g}, and {share_bound(beyond, texts):.2%} the threshold; edges are taken as they are."
        f"{_yardstick(report, label)}"
    )


def _yardstick(report: Report, label: str) -> str:
    row = next(row for row in parity_rows(report, label) if row["serves"])
    return f" It moves log-odds by {row['of retraining']} of what retraining does." if row["of retraining"] else ""


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

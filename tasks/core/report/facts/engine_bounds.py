"""Section `engines`: which engine model serves each label, and what the gate's verdict bounds for the pool."""

from typing import Any

from tasks.core.base.files import read_json
from tasks.core.conversion.parity.parity_report import bound_of, limits_of, serving_of
from tasks.core.conversion.parity.parity_table import Report, parity_rows
from tasks.core.conversion.parity.parity_warnings import warnings_of
from tasks.core.report.absent import Absent, make_models
from tasks.core.report.facts_on_disk import RoundFiles

SHOWN = {
    "variant": "variant",
    "serves": "serves",
    "verdict": "verdict",
    "texts/s/core": "texts/s/core",
    "displacement 20, 100, 1000, 1 %": "moved at best 20, 100, 1000, 1 % (log-odds)",
    "regret": "regret",
    "flips": "flips",
    "validation AP loss": "validation AP loss",
    "file MiB": "MiB",
}
"""These columns of the gate's table are shown, each under its name here."""


def gather_engines(files: RoundFiles) -> dict[str, Any]:
    """Return each label's verdict: what serves and why, the limits, what they bound, and all variants.

    Raises:
        Absent: a label has no engine model, or one whose report another version wrote.
    """
    labels = [_label(files, study, label) for study, labels in files.round_.studies.items() for label in labels]
    return {"labels": labels, "glance": {f"{one['label']}: engine": one["serves"] for one in labels}}


def _label(files: RoundFiles, study: str, label: str) -> dict[str, Any]:
    path = files.parity_report(study, label)
    try:
        report = read_json(path)
        untried = {one["variant"] for one in report["variants"] if not one["tried"]}
        rows = [row for row in parity_rows(report, label) if row["variant"] not in untried]
        return {
            "label": label,
            "serves": str(report["serves"]),
            "title": serving_of(report),
            "weakened": report.get("gate_weakened") or "",
            "warnings": warnings_of(report, label),
            "limits": limits_of(report),
            "bound": bound_of(report, label),
            "rows": [{SHOWN[name]: cell for name, cell in row.items() if name in SHOWN} for row in rows],
            "not_tried": _not_tried(report),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise Absent(
            f"{path} is of another version of Winnow, or torn ({error!r})",
            f"{make_models('conversion', files.round_)} -p remake=true",
        ) from None


def _not_tried(report: Report) -> dict[str, list[str]]:
    """Return the variants that were not tried, by the reason."""
    reasons: dict[str, list[str]] = {}
    for one in report["variants"]:
        if not one["tried"]:
            reasons.setdefault(one["not_tried"], []).append(one["variant"])
    return reasons

"""An evaluation as tables of at most six columns for people, the verdict first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.core.evaluation.evaluation_record import EvaluationRecord

NEXT = "Then: `winnow labels sheet` or `export`, label, `winnow labels import`, and run the evaluation again."
LABEL_THIS = "Label this"
"""A flow run whose rank sample has no answer yet ends in a state of this name."""


def outcome(records: Sequence[EvaluationRecord], asked: tuple[int, Path] | None, labels: int) -> tuple[str, str]:
    """Return the name and the message of the state that an evaluation ends in.

    `asked` says how many texts went into a new batch, and where it lies.
    """
    wanted = "" if asked is None else f"{asked[0]} texts are to be labelled: {asked[1]}. {NEXT}"
    if not records:
        said = wanted or f"no text of the rank sample has an answer yet. {NEXT}"
        return LABEL_THIS, said
    said = " ".join(f"{record.label}: {record.decision}." for record in records)
    left = labels - len(records)
    return "Completed", f"{said} {f'{left} labels have no answer yet. ' if left else ''}{wanted}".strip()


def verdict_rows(records: Sequence[EvaluationRecord]) -> list[dict[str, Any]]:
    """Return a row a label: what was decided, and why."""
    return [
        {
            "verdict": record.decision,
            "label": record.label,
            "version": record.version,
            "champion": record.champion_version or "none",
            "answered": f"{record.answered} of {record.asked}",
            "because": record.sentence,
        }
        for record in records
    ]


def check_rows(records: Sequence[EvaluationRecord]) -> list[dict[str, Any]]:
    """Return a row for each figure that the gate looked at."""
    return [
        {"verdict": check["verdict"], "label": record.label} | check for record in records for check in record.checks
    ]


def figure_rows(records: Sequence[EvaluationRecord]) -> list[dict[str, Any]]:
    """Return a row a figure: its value, its interval and what it stands on."""
    return [row for record in records for row in _figures(record)]


def _figures(record: EvaluationRecord) -> list[dict[str, Any]]:
    rows = [row for rank, top in record.tops.items() for row in _top_rows(record, rank, top)]
    below = "" if record.reach >= record.rows else f"down to rank {record.reach:,}; nothing is known below"
    rows.append(_figure(record, "true texts", record.positives, record.labels, below))
    unused = [_unused(record, reason, number) for reason, number in record.unused_labels.items()]
    if record.expansion is None:
        return [*rows, _figure(record, "expansion", None, record.labels, record.calibration["refused"]), *unused]
    threshold, labels = f"texts above {record.calibration['threshold']:.4g}", record.expansion["labelled"]
    rows.append(_figure(record, "expansion", record.expansion["above"], record.labels, threshold))
    at = [(f"{name} at the threshold", record.expansion[name]) for name in ("precision", "recall")]
    return rows + [_figure(record, name, estimate, labels, "") for name, estimate in at] + unused


def _unused(record: EvaluationRecord, reason: str, number: int) -> dict[str, Any]:
    """Return a row of labels that were left out, with how many draws they are of and why."""
    row = _figure(record, "labels that serve no estimate", None, 0, reason)
    return row | {"value": f"{number:,}", "labels": ""}


def _top_rows(record: EvaluationRecord, rank: str, top: dict[str, Any]) -> list[dict[str, Any]]:
    empty = ", ".join(top.get("nothing_labelled", []))
    note = f"nothing labelled of {empty}" if empty else ""
    return [
        _figure(record, f"precision at {rank}", top["precision"], top["labelled"], note),
        _figure(record, f"recall at {rank}", top["recall"], top["labelled"], ""),
    ]


def _figure(
    record: EvaluationRecord, name: str, estimate: dict[str, float] | None, labels: int, note: str
) -> dict[str, Any]:
    said = {"value": "", "low": "", "high": ""} if estimate is None else estimate
    value, low, high = (said[part] if said[part] == "" else f"{said[part]:.4g}" for part in ("value", "low", "high"))
    return {
        "label": record.label,
        "figure": name,
        "value": value or "not known",
        "95 % interval": f"{low} to {high}" if value else "",
        "labels": labels,
        "note": note,
    }


def curve_rows(record: EvaluationRecord) -> list[dict[str, Any]]:
    """Return a row for each stretch of ranks: the precision within it, and down to its end, with bands."""
    return [
        {
            "label": record.label,
            "ranks": f"{point['first']:,} to {point['last']:,}",
            "labelled": f"{point['labelled']} of {point['drawn']} drawn",
            "precision within": _band(point["within"]),
            "precision down to here": _band(point["down_to"]),
        }
        for point in record.curve
    ]


def _band(estimate: dict[str, float]) -> str:
    return "{value:.3f} ({low:.3f} to {high:.3f})".format(**estimate)

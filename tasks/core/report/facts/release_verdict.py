"""Section `release`: what the gate decided, which figures it looked at, and how far scores drifted."""

from typing import Any

from tasks.core.evaluation.evaluation_record import EvaluationRecord
from tasks.core.evaluation.release.release_gate import PROMOTES
from tasks.core.report.absent import run_flow
from tasks.core.report.facts_on_disk import RoundFiles

DONE = (*PROMOTES, "stands")
"""After these decisions nothing is to be done for the gate."""


def gather_release(files: RoundFiles) -> dict[str, Any]:
    """Return each label's verdict beside the champion, its checks and its drift.

    Raises:
        Absent: no label of the run is evaluated.
    """
    records = files.evaluations
    return {
        "labels": [_label(record) for record in records.values()],
        "glance": {f"{label}: release gate": record.decision for label, record in records.items()},
        "steps": [_step(files, record) for record in records.values() if record.decision not in DONE],
    }


def _step(files: RoundFiles, record: EvaluationRecord) -> dict[str, str]:
    """Say what the gate wants; where labels would tell, twice as many texts are drawn as before."""
    more = f" -p texts_a_rank={2 * files.round_.evaluation.rank_sample.texts_a_rank}"
    command = run_flow("evaluation", files.round_, more) if record.decision == "unclear" else ""
    return {"why": f"{record.label}: {record.decision}, {record.sentence}.", "command": command}


def _label(record: EvaluationRecord) -> dict[str, Any]:
    drift = record.drift
    return {
        "label": record.label,
        "decision": record.decision,
        "sentence": record.sentence,
        "champion": record.champion_version or "none",
        "version": record.version,
        "forced": record.force_reason,
        "rows": record.checks,
        "drift": drift["sentence"] if drift else "",
        "bands": [_band(band) for band in drift["bands"]] if drift else [],
    }


def _band(band: dict[str, float]) -> dict[str, str]:
    return {
        "scores": f"{band['low']:.3g} to {band['high']:.3g}",
        "of the champion": f"{band['champion_share']:.2%}",
        "now": f"{band['share']:.2%}",
    }

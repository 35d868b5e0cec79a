"""Section `data`: what was labelled, what of it is used, and what looks odd."""

from typing import Any

from tasks.core.base.errors import WinnowError
from tasks.core.base.formats import Content
from tasks.core.corpus.labelled.label_report import read_label_report
from tasks.core.evaluation.evaluation_record import EvaluationRecord, pool_share
from tasks.core.metrics.warning_rules import is_far_from_pool
from tasks.core.metrics.warning_words import far_from_pool
from tasks.core.report.absent import Absent
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.training.seeds.study_warnings import values_by_split


def gather_data(files: RoundFiles) -> dict[str, Any]:
    """Return each study's rows by split, positives by label, and the rows that were left out."""
    reports = [read_label_report(files.data_report(study)) for study in files.round_.studies]
    rows = max(sum(report["rows"].values()) for report in reports)
    warnings = [warning for report in reports for warning in _pool_warnings(report, _evaluations(files))]
    return {
        "studies": [_study(report) for report in reports],
        "warnings": warnings,
        "glance": {"labelled texts used": f"{rows:,}"},
    }


def _evaluations(files: RoundFiles) -> dict[str, EvaluationRecord]:
    """Return what is known of the pool's labels; nothing where no run is evaluated, or none can be read."""
    try:
        return files.evaluations
    except (Absent, WinnowError, OSError):
        return {}


def _pool_warnings(report: Content, evaluations: dict[str, EvaluationRecord]) -> list[str]:
    """Return a warning for each label whose test rows have another share of positives than the pool."""
    warnings = []
    for label in report["positives"].keys() & evaluations.keys() if "negatives" in report else ():
        positives, negatives = values_by_split(report, label)["test"]
        low, high = pool_share(evaluations[label])
        if is_far_from_pool(positives, negatives, low, high):
            warnings.append(far_from_pool(label, "test", positives / (positives + negatives), low, high))
    return sorted(warnings)


def _study(report: Content) -> dict[str, Any]:
    odd = {
        "texts that stand twice": report["duplicate_texts"],
        "of them with other labels": report["duplicate_texts_with_other_labels"],
        "conflicts": len(report["conflicts"]),
        "texts with line breaks": report["texts_with_line_breaks"],
    }
    return {
        "study": report["study"],
        "rows": _rows(report),
        "read": report["rows_read"],
        "left_out": [{"reason": reason, "rows": f"{rows:,}"} for reason, rows in report["left_out"].items() if rows],
        "odd": {what: f"{count:,}" for what, count in odd.items() if count},
        "drawn_splits": report["drawn_splits"],
        "sources": [{"path": source["path"], "sha256": source["sha256"][:12]} for source in report["sources"]],
        "digest": report["digest"],
        "preprocessing": report["preprocessing"],
    }


def _rows(report: Content) -> list[dict[str, str]]:
    """Return a row a split: its texts, and how many are positive of each label."""
    return [
        {"split": split, "texts": f"{rows:,}"}
        | {f"positive: {label}": _of(found.get(split, 0), rows) for label, found in report["positives"].items()}
        for split, rows in report["rows"].items()
    ]


def _of(count: int, rows: int) -> str:
    return f"{count:,} ({count / rows:.1%})" if rows else f"{count:,}"

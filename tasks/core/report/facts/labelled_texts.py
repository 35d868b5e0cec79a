"""Section `data`: what was labelled, what of it is used, and what looks odd."""

from typing import Any

from tasks.core.base.formats import Content
from tasks.core.corpus.labelled.label_report import read_label_report
from tasks.core.report.facts_on_disk import RoundFiles


def gather_data(files: RoundFiles) -> dict[str, Any]:
    """Return each study's rows by split, positives by label, and the rows that were left out."""
    reports = [read_label_report(files.data_report(study)) for study in files.round_.studies]
    rows = max(sum(report["rows"].values()) for report in reports)
    return {"studies": [_study(report) for report in reports], "glance": {"labelled texts used": f"{rows:,}"}}


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

"""A parity report as two tables that fit on a screen: the verdicts, and what each variant does to the ranking.

All figures of a variant stand in parity.json, and in the table beside it.
"""

from typing import Any

from tasks.core.conversion.parity.parity_table import Report, parity_rows
from tasks.core.metrics.warning_words import NOT_MEASURED

DISPLACEMENT = "displacement 20, 100, 1000, 1 %"
RANKING_COLUMNS = ("variant", DISPLACEMENT, "tau", "tau top 1000", "of retraining")


def verdict_rows(report: Report, label: str) -> list[dict[str, Any]]:
    """Return a row a variant: whether it serves, passes or fails, how fast it is, and what it costs."""
    return [_verdict_row(row) for row in parity_rows(report, label)]


def reasons(report: Report, label: str) -> list[str]:
    """Return why variants fail, are near a limit, or were not tried."""
    said = [(row["variant"], row["verdict"]) for row in parity_rows(report, label)]
    return [f"{variant} {verdict}" for variant, verdict in said if ": " in verdict]


def ranking_rows(report: Report, label: str) -> list[dict[str, Any]]:
    """Return a row for each variant that was tried: how far its ranking is from the checkpoint's."""
    return [{column: row[column] for column in RANKING_COLUMNS} for row in parity_rows(report, label) if row["tau"]]


def _verdict_row(row: dict[str, Any]) -> dict[str, Any]:
    verdict = row["verdict"].partition(": ")[0]
    return {
        "verdict": verdict.replace("passes", "serves") if row["serves"] else verdict,
        "variant": row["variant"],
        "texts/s/core": row["texts/s/core"],
        "moves at most": _largest(row[DISPLACEMENT]),
        "test AP loss": row["test AP loss"].partition(" (")[0],
        "file MiB": row["file MiB"],
    }


def _largest(cells: str) -> str:
    """Return the largest of several figures, some of which may not be measured."""
    measured = [cell for cell in cells.split(", ") if cell not in {NOT_MEASURED, ""}]
    return max(measured, key=float) if measured else cells and NOT_MEASURED

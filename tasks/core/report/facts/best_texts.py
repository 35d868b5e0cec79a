"""Section `best_texts`: what stands at the top of each label's ranking, for a person to read."""

from typing import Any

from tasks.core.ranking.top_scored import top_scored
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.finished_runs import FinishedRun
from tasks.core.runs.parts import SCORE_COLUMN

TEXTS = 15


def gather_best_texts(files: RoundFiles) -> dict[str, Any]:
    """Return the best-scored texts of every label.

    Raises:
        Absent: no run is finished.
        RunFolderError: the run's folder is not sound, or the sample was changed since.
    """
    run = files.run
    return {"labels": [{"label": label, "rows": _rows(run, label)} for label in run.labels]}


def _rows(run: FinishedRun, label: str) -> list[dict[str, str]]:
    return [
        {"said": f"{place}. {row[SCORE_COLUMN]:.6f}", "text": row["text"]}
        for place, row in enumerate(top_scored(run.folder, label, TEXTS), 1)
    ]

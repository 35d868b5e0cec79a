"""The best-scored texts of a run."""

from typing import Any

from tasks.core.ranking.placed_texts import with_own_texts
from tasks.core.ranking.ranked import RANKED, open_ranked
from tasks.core.ranking.row_texts import TEXT
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import read_plan


def top_scored(folder: RunFolder, label: str, count: int) -> list[dict[str, Any]]:
    """Return the `count` best-scored texts of a label, best first, as the columns of `Ranked.top` and `text`.

    What is read follows from the count, and not from how large the sample is.

    Raises:
        RunFolderError: see `open_ranked` and `with_own_texts`.
    """
    with open_ranked(folder, label, "expert") as ranked:
        found = with_own_texts(ranked.top_placed(count), read_plan(folder), folder)
    rows: list[dict[str, Any]] = found.select([*RANKED, TEXT]).to_pylist()
    return rows

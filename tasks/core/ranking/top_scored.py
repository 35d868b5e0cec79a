"""The best-scored texts of a run."""

from typing import Any

from tasks.core.ranking.ranked import open_ranked
from tasks.core.ranking.row_texts import with_texts
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder


def top_scored(folder: RunFolder, label: str, sample: Sample, count: int) -> list[dict[str, Any]]:
    """Return the `count` best-scored texts of a label, best first, as the columns of `Ranked.top` and `text`.

    Raises:
        RunFolderError, InputDataError: see `open_ranked` and `with_texts`.
    """
    with open_ranked(folder, label, "expert") as ranked:
        found: list[dict[str, Any]] = with_texts(ranked.top(count), sample).to_pylist()
        return found

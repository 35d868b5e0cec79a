"""How far down a label's ranking its sorted set reaches: its best texts, and all that score at least its threshold."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from tasks.core.publishing.published_scores import rounded
from tasks.core.ranking.ranked import Ranked, open_ranked
from tasks.core.round.publishing_section import Publishing
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import SCORE_COLUMN


def complete_from(folders: Sequence[RunFolder], label: str, settings: Publishing, threshold: float | None) -> float:
    """Return the score from which on every text of some runs stands in the label's sorted set; 0 where all do."""
    with ExitStack() as opened:
        runs = [opened.enter_context(open_ranked(folder, label, "expert")) for folder in folders]
        above = 0
        if settings.above_threshold and threshold is not None:
            above = sum(run.rank_of(float(np.nextafter(threshold, -1.0))) - 1 for run in runs)
        wanted = min(max(settings.top, above), settings.best_at_most)
        if wanted >= sum(run.rows for run in runs):
            return 0.0
        if threshold is not None and wanted == above:
            return min(threshold, rounded(threshold))
        return rounded(_score_at(runs, wanted))


def _score_at(runs: Sequence[Ranked], rank: int) -> float:
    """Return the score at a rank among the rows of all runs."""
    if len(runs) == 1:
        return float(runs[0].between(rank, rank)[SCORE_COLUMN][0].as_py())
    best = np.concatenate([run.top(rank)[SCORE_COLUMN].to_numpy() for run in runs])
    return float(np.sort(best)[-rank])

"""Ranked texts as a page to browse: labels side by side, search, thresholds. One file, which asks for no other.

A text that is among the best of one label has its score of every other label, too, whatever its rank there.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tasks.core.base.data_page import fill_page
from tasks.core.base.errors import InputDataError
from tasks.core.base.naming.file_names import RANKED_PAGE
from tasks.core.exchange.labelled_before import text_key
from tasks.core.publishing.published_scores import spell_score
from tasks.core.ranking.placed_texts import scores_beside
from tasks.core.ranking.scan import ROW, SHARD
from tasks.core.report.markup import as_text
from tasks.core.report.ranked_texts.best_of_label import BestOfLabel
from tasks.core.report.ranked_texts.human_labels import HumanLabels
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import SCORE_COLUMN, SCREENED_OUT, STAGE_COLUMN
from tasks.core.runs.plan import Plan

MOST_ON_PAGE = 5_000
"""A page lists so many texts at most, of all labels together: a browser has each of them in its memory."""
Place = tuple[int, int]


def require_room(count: int, labels: Sequence[str]) -> None:
    """Refuse more texts than a page holds.

    Raises:
        InputDataError: they are more.
    """
    if count * len(labels) > MOST_ON_PAGE:
        raise InputDataError(
            f"{count} texts of each of {len(labels)} labels are more than the {MOST_ON_PAGE:,} that a page lists: ask "
            f"for -n {MOST_ON_PAGE // len(labels)}, for fewer labels, or for a CSV"
        )


def ranked_page(
    plan: Plan, folder: RunFolder, labels: Sequence[BestOfLabel], human: HumanLabels, about: Sequence[str]
) -> str:
    """Return the page of some labels' best texts; `about` are sentences that stand at its head.

    Raises:
        RunFolderError: a part cannot be read.
    """
    at = _places(labels)
    placed = pa.table({name: [place[number] for place in at] for number, name in enumerate((SHARD, ROW))})
    scored = {best.label: scores_beside(placed, plan, folder, best.label).to_pylist() for best in labels}
    texts = {place: one for best in labels for place, one in zip(_of_rows(best), best.texts, strict=True)}
    distinct: dict[str, int] = {}
    rows = [
        {"id": texts[place].id, "text": as_text(texts[place].text)}
        | {"same": distinct.setdefault(texts[place].text, len(distinct))}
        | {"said": [_said(scored[label][number], human.get(label, {}), texts[place].text) for label in scored]}
        for place, number in at.items()
    ]
    columns = [{"name": best.label, "note": best.note, "rows": [at[one] for one in _of_rows(best)]} for best in labels]
    return fill_page(__package__, RANKED_PAGE, {"about": list(about), "labels": columns, "texts": rows})


def _places(labels: Sequence[BestOfLabel]) -> dict[Place, int]:
    """Number all rows of the labels, each once."""
    found: dict[Place, int] = {}
    for best in labels:
        for place in _of_rows(best):
            found.setdefault(place, len(found))
    return found


def _of_rows(best: BestOfLabel) -> list[Place]:
    return list(zip(best.placed[SHARD].to_pylist(), best.placed[ROW].to_pylist(), strict=True))


def _said(scored: dict[str, Any], human: dict[str, str], text: str) -> list[str]:
    """Return score, what people said, and the stage that ruled the text out, of a text and label."""
    ruled_out = scored[STAGE_COLUMN] if scored[STAGE_COLUMN] in SCREENED_OUT else ""
    score = "" if ruled_out else spell_score(scored[SCORE_COLUMN])
    return [score, human.get(text_key(text), "") if human else "", ruled_out]

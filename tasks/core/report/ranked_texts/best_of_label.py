"""The best texts of a label in a finished run, with what people said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.exchange.labelled_before import text_key
from tasks.core.ranking.placed_texts import with_own_texts
from tasks.core.ranking.ranked import RANK, open_ranked
from tasks.core.ranking.row_texts import TEXT
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN, STAGE_COLUMN
from tasks.core.runs.plan import Plan

MOST_TEXTS = 100_000
"""So many texts of a label are listed at most: they are held in memory. DuckDB reads more of them from the parts."""


@dataclass(frozen=True)
class RankedText:
    """A text, and where it stands in a label's ranking."""

    rank: int
    id: str
    score: float
    stage: str
    """This says why an expert scored the text in a screened run; it is empty in others."""
    text: str
    human: str = ""
    """People said `yes` or `no` of the text, or a share of them did; it is empty where nobody is known to have."""
    same_as: int | None = None
    """The first row with the very same text has this rank; None says that this row is the first."""


@dataclass(frozen=True)
class BestOfLabel:
    """The best texts of a label."""

    label: str
    model: str
    rows: int
    """So many texts have a score and a rank."""
    ruled_out: int
    """So many texts were ruled out by a stage before the expert, and have neither."""
    texts: tuple[RankedText, ...]
    placed: pa.Table = field(repr=False, compare=False)
    """The same rows say here where they lie; see `Ranked.top_placed`."""

    @property
    def note(self) -> str:
        """What is listed, of how many, and what has no score."""
        said = f"{self.label} by {self.model}: the best {len(self.texts):,} of {self.rows:,} scored texts"
        if not self.ruled_out:
            return said
        return f"{said}; {self.ruled_out:,} more were ruled out by stages before the expert: no score, no rank"


def best_of_label(
    plan: Plan, folder: RunFolder, label: str, count: int, least: float = 0.0, human: Mapping[str, str] | None = None
) -> BestOfLabel:
    """Return a label's best texts with at least some score; `human` says what people said, by `text_key`.

    Raises:
        InputDataError: these are too many texts, or a score is asked for that is none.
        RunFolderError: there is no such label, the run is not finished or not sound, or its sample was changed since.
    """
    if not 1 <= count <= MOST_TEXTS:
        raise InputDataError(f"{count} texts are asked for, but 1 to {MOST_TEXTS:,} of a label are listed at once")
    if not 0 <= least <= 1:
        raise InputDataError(f"the least score is {least}, but a score is a number from 0 to 1")
    with open_ranked(folder, label, "expert") as ranked:
        placed = ranked.top_placed(count)
        placed = placed.slice(0, sum(score >= least for score in placed[SCORE_COLUMN].to_pylist()))
        found = with_own_texts(placed, plan, folder)
        rows = ranked.rows
    use = next(use for use in plan.engines if use.label == label)
    model = f"{use.registered_model} {use.version}"
    return BestOfLabel(label, model, rows, _rows_out(plan, folder, label) - rows, _texts(found, human or {}), placed)


def _rows_out(plan: Plan, folder: RunFolder, label: str) -> int:
    counts: dict[str, int] = (read_manifest(plan, folder) or {})["counts"]["rows_out"]
    return counts[label]


def _texts(found: pa.Table, human: Mapping[str, str]) -> tuple[RankedText, ...]:
    first: dict[str, int] = {}
    texts = []
    for row in found.to_pylist():
        rank, text = row[RANK], row[TEXT]
        same_as = first.setdefault(text, rank)
        said = human.get(text_key(text), "") if human else ""
        stage = row[STAGE_COLUMN] or ""
        id_ = str(row[ID_COLUMN])
        texts.append(RankedText(rank, id_, row[SCORE_COLUMN], stage, text, said, None if same_as == rank else same_as))
    return tuple(texts)

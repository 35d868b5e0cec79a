"""The same answers from run folders, for those who have no Redis: DuckDB looks through the score files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tasks.core.base.errors import RunFolderError
from tasks.core.publishing.published_scores import rounded
from tasks.core.publishing.score_reader import Answer, ScoredText, ids_of, require_asked
from tasks.core.publishing.sound_runs import models_of
from tasks.core.ranking.ranked import Ranked, open_ranked
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.open_run import open_run
from tasks.core.runs.parts import EXPERT, ID_COLUMN, SCORE_COLUMN, SCREENED_OUT, STAGE_COLUMN, stream_rows

ASKED = "asked"


class RunReader:
    """Answers from a finished run folder; its version is the run's id."""

    def __init__(self, path: Path, country: str = "") -> None:
        """Open a run folder.

        Raises:
            RunFolderError: it is none, or its run is not finished.
        """
        self.country = country
        self._plan, self._folder = open_run(path)
        if read_manifest(self._plan, self._folder) is None:
            raise RunFolderError(
                f"the run {path} is not finished, so it is not read. Go on with it: winnow rerun {path}"
            )
        self._models: Mapping[str, str] = models_of(self._plan)

    @property
    def version(self) -> str:
        """The run's id."""
        return self._plan.run_id

    def lookup(self, id_: str | int) -> Answer:
        """Return what is known of a text; see `ScoreReader`."""
        return self.lookup_many([id_])

    def lookup_many(self, ids: Sequence[str | int]) -> Answer:
        """Return what is known of texts, in their order; see `ScoreReader`. Reads all ids of the run."""
        asked = ids_of(ids)
        scores: dict[str, dict[str, float]] = {id_: {} for id_ in asked}
        stages: dict[str, dict[str, str]] = {id_: {} for id_ in asked}
        for label in self._models:
            for row in self._rows_of(label, asked):
                stage = row.get(STAGE_COLUMN, EXPERT)
                if stage not in SCREENED_OUT:
                    scores[row[ID_COLUMN]][label] = rounded(row[SCORE_COLUMN])
                if stage != EXPERT:
                    stages[row[ID_COLUMN]][label] = stage
        return self._answer(ScoredText(id_, scores[id_], stages[id_]) for id_ in asked)

    def top(self, label: str, least: float = 0.0, limit: int = 50) -> Answer:
        """Return a label's best texts; see `ScoreReader`."""
        require_asked(label, list(self._models), f"run {self.version}", least, limit)
        with open_ranked(self._folder, label, "expert") as ranked:
            rows = _best_with_ties(ranked, limit)
        texts = [(rounded(row[SCORE_COLUMN]), str(row[ID_COLUMN]).encode()) for row in rows]
        best = sorted((text for text in texts if text[0] >= least), reverse=True)[:limit]
        return self._answer(ScoredText(id_.decode(), {label: score}) for score, id_ in best)

    def _rows_of(self, label: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        with duckdb.connect() as connection:
            connection.register("rows", stream_rows(self._plan, self._folder, label))
            connection.register(ASKED, pa.table({ASKED: ids}))
            found = connection.sql(
                f"select * replace ({ID_COLUMN}::varchar as {ID_COLUMN}) from rows "  # noqa: S608 - Winnow's own names
                f"where {ID_COLUMN}::varchar in (select {ASKED} from {ASKED})"
            )
            rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
        return rows

    def _answer(self, texts: Iterator[ScoredText]) -> Answer:
        return Answer(self.country, self.version, self._models, tuple(texts))


def _best_with_ties(ranked: Ranked, limit: int) -> list[dict[str, Any]]:
    """Return the best rows, and all below them that are published with the score of the last."""
    wanted = limit
    while True:
        rows: list[dict[str, Any]] = ranked.top(wanted).to_pylist()
        if len(rows) < wanted or rounded(rows[-1][SCORE_COLUMN]) < rounded(
            rows[min(limit, len(rows)) - 1][SCORE_COLUMN]
        ):
            return rows
        wanted = 2 * wanted

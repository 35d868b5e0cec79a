"""The best-scored texts of a run, found out of core."""

from pathlib import Path
from typing import Any

import duckdb

from tasks.core.corpus.sample.listing import list_sample, sample_schema
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN, scan_parts, scan_scores
from tasks.core.runs.plan_file import read_plan

QUERY = f"""
    with best as (select {ID_COLUMN}, {SCORE_COLUMN} from scores order by {SCORE_COLUMN} desc, {ID_COLUMN} limit ?)
    select best.{ID_COLUMN}, best.{SCORE_COLUMN}, any_value(sample.{{text}}) as text
    from best join sample on sample.{{id}} = best.{ID_COLUMN}
    group by best.{ID_COLUMN}, best.{SCORE_COLUMN}
    order by best.{SCORE_COLUMN} desc, best.{ID_COLUMN}
"""  # noqa: S608 - made of names that stand in Winnow, and of the sample's columns, quoted


def top_scored(folder: RunFolder, label: str, sample: Sample, count: int) -> list[dict[str, Any]]:
    """Return the `count` best-scored texts of a label as `tweet_id`, `score` and `text`, best first."""
    query = QUERY.format(text=_quoted(sample.text_column), id=_quoted(sample.id_column))
    with duckdb.connect() as connection:
        scan_scores(connection, "scores", read_plan(folder), folder, label, "expert")
        files = list_sample(sample)
        scan_parts(connection, "sample", [Path(file.path) for file in files if file.rows], sample_schema(files, sample))
        rows = connection.execute(query, [count]).fetchall()
    return [{ID_COLUMN: id_, SCORE_COLUMN: score, "text": text} for id_, score, text in rows]


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'

"""The best-scored texts of a run, found out of core."""

from typing import Any

import duckdb

from tasks.core.corpus.sample import list_sample
from tasks.core.inference.run_folder import RunFolder
from tasks.core.round_sections import Sample

QUERY = """
    with best as (select tweet_id, score from read_parquet($scores) order by score desc, tweet_id limit $count)
    select best.tweet_id, best.score, any_value(sample.{text}) as text
    from best join read_parquet($sample) as sample on sample.{id} = best.tweet_id
    group by best.tweet_id, best.score
    order by best.score desc, best.tweet_id
"""


def top_scored(folder: RunFolder, label: str, sample: Sample, count: int) -> list[dict[str, Any]]:
    """Return the `count` best-scored texts of a label as `tweet_id`, `score` and `text`, best first."""
    texts = [file.path for file in list_sample(sample)]
    query = QUERY.format(text=_quoted(sample.text_column), id=_quoted(sample.id_column))
    with duckdb.connect() as connection:
        rows = connection.execute(
            query, {"scores": folder.part_paths(label), "sample": texts, "count": count}
        ).fetchall()
    return [{"tweet_id": tweet_id, "score": score, "text": text} for tweet_id, score, text in rows]


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'

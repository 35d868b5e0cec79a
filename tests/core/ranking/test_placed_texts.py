"""Texts of ranked rows by their places: each row's own, whatever ids there are twice and what was quarantined."""

import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.ranking.placed_texts import scores_beside, with_own_texts
from tasks.core.ranking.ranked import PLACED, RANKED, open_ranked
from tasks.core.runs.parts import EXPERT, NGRAMS, read_part
from tests.support.scored_runs import scored_run, write_sample_files

LABELS = ["positive", "negative"]
ROWS = 900
BLANK = {3, 4, 250, 251, 700}
"""Rows of these numbers have no text."""


def by_id(label, shard, ids):
    """Score each row by its place, so that rows of one id differ; every third is screened out."""
    random = np.random.default_rng([len(label), shard.number])
    scores = random.random(len(ids))
    stages = np.where(np.arange(len(ids)) % 3 == 0, NGRAMS, EXPERT).astype(object)
    return np.where(stages == NGRAMS, scores - 2, scores), stages


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A screened run in shards of 100 rows, of ids that each stand three times, with rows that have no text."""
    folder = tmp_path_factory.mktemp("placed")
    texts = [None if number in BLANK else f"text {number}" for number in range(ROWS)]
    table = pa.table({"tweet_id": [f"{number % 300}" for number in range(ROWS)], "text": texts})
    sample = write_sample_files(folder / "texts", [table.slice(0, 350), table.slice(350)])
    return scored_run(folder / "runs", sample, LABELS, by_id, 100, screened=True)


def rows_of(run, label):
    """Return every row of a label with its own text, read as a person would: part beside sample, row by row."""
    found = []
    for shard in run.plan.shards:
        table = pq.read_table(run.plan.input_path(shard)).slice(shard.start, shard.rows)
        kept = [row for row in table.to_pylist() if row["text"] is not None]
        part = read_part(run.folder.output_path(label, shard.number)).to_pylist()
        assert [row["tweet_id"] for row in kept] == [row["tweet_id"] for row in part]
        found += [scored | own for scored, own in zip(part, kept, strict=True)]
    return found


@pytest.mark.parametrize("count", [1, 40, ROWS])
def test_each_row_has_its_own_text_and_the_other_labels_score(run, count):
    with open_ranked(run.folder, "positive", "expert") as ranked:
        placed = ranked.top_placed(count)
        assert placed.column_names == list(PLACED)
        assert placed.select(list(RANKED)).equals(ranked.top(count))
        found = with_own_texts(placed, run.plan, run.folder)
    truth = [row for row in rows_of(run, "positive") if row["stage"] == EXPERT]
    truth.sort(key=lambda row: (-row["score"], row["tweet_id"]))
    assert [row["text"] for row in found.to_pylist()] == [row["text"] for row in truth[:count]]
    other = {row["text"]: (row["score"], row["stage"]) for row in rows_of(run, "negative")}
    beside = scores_beside(placed, run.plan, run.folder, "negative").to_pylist()
    assert [(row["score"], row["stage"]) for row in beside] == [other[text] for text in found["text"].to_pylist()]


def test_of_no_rows_there_is_no_text(run):
    with open_ranked(run.folder, "positive", "expert") as ranked:
        assert with_own_texts(ranked.top_placed(0), run.plan, run.folder).column_names == [*PLACED, "text"]


def test_rows_that_were_exchanged_since_are_refused(run, tmp_path):
    """By the file's time of change; and where that says nothing, by the ids that were scored."""
    shard = run.plan.shards[0]
    path = run.plan.input_path(shard)
    kept = shutil.copy2(path, tmp_path / "kept.parquet")
    with open_ranked(run.folder, "positive", "expert") as ranked:
        placed = ranked.top_placed(5)
    lied = placed.set_column(1, "tweet_id", pa.array(["301"] * placed.num_rows))
    with pytest.raises(RunFolderError, match="has other ids in the rows"):
        with_own_texts(lied, run.plan, run.folder)
    try:
        os.utime(path, ns=(0, 0))
        with (
            pytest.raises(RunFolderError, match="no longer the file that run"),
            open_ranked(run.folder, "positive", "expert") as ranked,
        ):
            with_own_texts(ranked.top_placed(ROWS), run.plan, run.folder)
    finally:
        shutil.copy2(kept, path)

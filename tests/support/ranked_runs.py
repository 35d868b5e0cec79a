"""A finished, screened run of three labels, of texts as users write them: some twice, some that cannot be scored."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.core.runs.parts import EXPERT, NGRAMS
from tests.support.scored_runs import ScoredRun, scored_run, write_sample_files
from tests.support.told_rounds import HOSTILE

LABELS = ["positive", "negative", "neutral"]
PLAIN = [f"a good text, number {number}" for number in range(60)]
TEXTS = [*HOSTILE, *PLAIN[:30], None, *PLAIN[30:], PLAIN[0], PLAIN[0], PLAIN[1]]
"""A row has no text, and the last three repeat others; a row's number is the last part of its id."""
FALLING = {"positive": 0.999, "negative": 0.8, "neutral": 0.5}
"""A label's best score, from which scores fall from row to row; the other two labels begin at other rows."""
RULED_OUT = 5
"""The last rows of a shard were ruled out for `neutral`, so many of them."""


def scores_of(label, shard, ids):
    """Score the rows of a shard: for `positive` in their order, for the others from the last row on."""
    rows = np.array([int(id_.rpartition("-")[2]) for id_ in ids.to_pylist()])
    places = rows if label == "positive" else len(TEXTS) - rows
    scores = FALLING[label] * 0.97**places
    stages = np.full(len(ids), EXPERT, dtype=object)
    if label == "neutral":
        stages[-RULED_OUT:] = NGRAMS
    return np.where(stages == NGRAMS, scores - 2, scores), stages


def run_of_texts(folder: Path, screened: bool = True) -> ScoredRun:
    """Write the run below a folder, in three shards."""
    table = pa.table({"tweet_id": [f"id-{number}" for number in range(len(TEXTS))], "text": TEXTS})
    sample = write_sample_files(folder / "texts", [table.slice(0, 40), table.slice(40)])
    given = scores_of if screened else lambda *asked: (scores_of(*asked)[0] % 1, None)
    return scored_run(folder / "runs", sample, LABELS, given, 35, screened)

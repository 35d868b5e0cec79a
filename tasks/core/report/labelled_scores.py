"""The labelled texts of a run that were chosen by score, rank or chance: their scores, and whether they are true."""

import numpy as np
from numpy.typing import NDArray

from tasks.core.evaluation.pool_answers import PoolAnswers, read_answers
from tasks.core.evaluation.run_labels import BY_WORDS
from tasks.core.exchange.batch import Batch
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN

Floats = NDArray[np.float64]


def labelled_scores(files: RoundFiles, label: str) -> tuple[Floats, Floats]:
    """Return the scores and answers of a label's texts in the batches that were drawn from the run."""
    answers, found = read_answers(files.round_, label), dict[str, tuple[float, float]]()
    for batch in files.batches:
        if batch.about.run_id == files.run.manifest["run_id"]:
            found |= _of_batch(batch, label, answers)
    pairs = np.array(list(found.values()), dtype=np.float64).reshape(-1, 2)
    pairs = pairs[~np.isnan(pairs[:, 1])]
    return pairs[:, 0], pairs[:, 1]


def _of_batch(batch: Batch, label: str, answers: PoolAnswers) -> dict[str, tuple[float, float]]:
    """Return score and answer by id; texts that were chosen by their words are no fair picture of what scores mean."""
    rows = [
        row
        for row in batch.draws.to_pylist()
        if row["label"] == label and row["method"] != BY_WORDS and row[SCORE_COLUMN] >= 0
    ]
    given = answers.of(row[ID_COLUMN] for row in rows)
    return {str(row[ID_COLUMN]): (row[SCORE_COLUMN], answer) for row, answer in zip(rows, given, strict=True)}

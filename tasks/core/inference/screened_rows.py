"""What screening says of a shard: which rows go to which expert, and which score and stage the others get."""

import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.inference.certifying import Screening, open_screening
from tasks.core.inference.pool_draws import draws_of, planned_sizes
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import AUDITED, DRAWN, EXPERT, NGRAMS
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.receipts import ScreenedRows
from tasks.core.screening.certify import screened_settings
from tasks.core.screening.draws import AUDIT, NAMES

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
NGRAM_SECONDS = "ngrams"


@dataclass(frozen=True)
class LabelRows:
    """A label's rows of a shard: those that can be scored, in their order."""

    stages: NDArray[np.object_]
    """This stage gives each row its score."""
    scores: Floats
    """These are known before the expert is asked: of drawn rows its own, of those that were screened out, below 0."""
    top_from: float
    """An expert's score of the label's top is at least this."""

    @property
    def asked(self) -> Mask:
        """Whether the expert has to score each row."""
        return np.asarray((self.stages == EXPERT) | (self.stages == AUDITED))

    def with_expert(self, found: Floats) -> Floats:
        """Return all rows' scores, given the expert's of those that it was asked for."""
        scores = self.scores.copy()
        scores[self.asked] = found
        return scores

    def summed(self, scores: Floats) -> ScreenedRows:
        """Return the counts of the label's rows, given all of their scores."""
        stages, counts = np.unique(self.stages, return_counts=True)
        top = scores >= self.top_from
        return ScreenedRows(
            stages=dict(zip(stages.tolist(), counts.tolist(), strict=True)),
            top=int((top & (self.stages != NGRAMS)).sum()),
            audited_top=int((top & (self.stages == AUDITED)).sum()),
        )


def screen_rows(plan: Plan, shard: Shard, folder: RunFolder, rows: pa.Table) -> tuple[dict[str, LabelRows], float]:
    """Screen a shard's rows that can be scored, for every label, and return the seconds that the first stage took.

    Raises:
        RunFolderError: the run has no certificate, or the draws' scores are of other rows than those drawn.
        ModelFolderError, MachineError: see `open_screening`.
    """
    screening = open_screening(folder)
    started = time.monotonic()
    distinct = rows["text"].combine_chunks().dictionary_encode()
    if screening.screen is None or screening.draws is None:
        return {use.label: _all_asked(screening, use.label, rows.num_rows) for use in plan.engines}, 0.0
    guesses = screening.screen.score(distinct.dictionary)[distinct.indices.to_numpy()]
    seconds = time.monotonic() - started
    drawn = screening.draws.scores_of(shard.number)
    audit = draws_of(plan, planned_sizes(plan)).of(rows["id"]) == NAMES.index(AUDIT)
    labels = {
        use.label: _label_rows(screening, use.label, guesses[:, place], audit, drawn.rows, drawn.scores[use.label])
        for place, use in enumerate(plan.engines)
    }
    return labels, seconds


def _all_asked(screening: Screening, label: str, rows: int) -> LabelRows:
    """Return rows that all go to the label's expert."""
    stages = np.full(rows, EXPERT, dtype=object)
    return LabelRows(stages, np.full(rows, np.nan), screening.certificate.labels[label].top_from)


def _label_rows(
    screening: Screening, label: str, guesses: Floats, audit: Mask, drawn: NDArray[np.int64], known: Floats
) -> LabelRows:
    certificate = screening.certificate.labels[label]
    passing = np.ones(len(guesses), dtype=bool)
    if not certificate.off and certificate.threshold is not None:
        passing = screened_settings(certificate, guesses[:, None]) >= certificate.threshold
    stages = np.where(passing, EXPERT, np.where(audit, AUDITED, NGRAMS)).astype(object)
    scores = screened_out_score(guesses)
    stages[drawn], scores[drawn] = DRAWN, known
    return LabelRows(stages, scores, certificate.top_from)


def screened_out_score(guesses: Floats) -> Floats:
    """Return scores in [-1, 0) of guessed log-odds: the guessed probability less 1, in the order of the guesses.

    So every score by an expert is above them, and nobody takes them for an expert's.
    """
    below = -1 / (1 + np.exp(np.clip(guesses, -500, 500)))
    return np.asarray(np.minimum(below, -np.finfo(np.float64).tiny))

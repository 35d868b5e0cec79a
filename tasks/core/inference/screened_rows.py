"""What screening says of a shard: which rows go to which expert, and which score and stage the others get."""

import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import RunFolderError
from tasks.core.inference.certified import CertifiedScreening, open_screening
from tasks.core.inference.pool_draws import ID, ROW, TEXT, row_names
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
        RunFolderError: the run has no certificate, or rows are others than when they were drawn.
        ModelFolderError, MachineError: see `open_screening`.
    """
    opened, labels = open_screening(folder), [use.label for use in plan.engines]
    if opened.screen is None or opened.run is None:
        return {label: _all_asked(opened, label, rows.num_rows) for label in labels}, 0.0
    started = time.monotonic()
    distinct = rows[TEXT].combine_chunks().dictionary_encode()
    guesses = opened.screen.score(distinct.dictionary)[distinct.indices.to_numpy()]
    seconds = time.monotonic() - started
    drawn = opened.run.drawn_from(shard.number)
    places = _places_of(plan, shard, rows, drawn.rows)
    audit = opened.draws.of(row_names(plan, shard, rows)) == NAMES.index(AUDIT)
    return {
        label: _label_rows(opened, label, guesses[:, place], audit, places, drawn.scores[label])
        for place, label in enumerate(labels)
    }, seconds


def _places_of(plan: Plan, shard: Shard, rows: pa.Table, drawn: pa.Table) -> NDArray[np.int64]:
    """Return where a shard's drawn rows stand among those that can be scored, having compared ids and texts."""
    at = drawn[ROW].to_numpy()
    places = np.searchsorted(rows[ROW].to_numpy(), at)
    wanted = drawn.select([ID, TEXT, ROW]).combine_chunks()
    if (places >= rows.num_rows).any() or not rows.take(places).cast(wanted.schema).combine_chunks().equals(wanted):
        raise RunFolderError(
            f"{plan.input_path(shard)} has other rows than when {len(at)} of shard {shard.number} were drawn, though "
            "by its footer it is the planned file. Put the former file back, or give the run another run_name: it is "
            "then drawn anew, from the rows that are there now."
        )
    return np.asarray(places)


def _all_asked(opened: CertifiedScreening, label: str, rows: int) -> LabelRows:
    """Return rows that all go to the label's expert."""
    stages = np.full(rows, EXPERT, dtype=object)
    return LabelRows(stages, np.full(rows, np.nan), opened.certificate.labels[label].top_from)


def _label_rows(
    opened: CertifiedScreening,
    label: str,
    guesses: Floats,
    audit: Mask,
    drawn: NDArray[np.int64],
    known: Floats,
) -> LabelRows:
    certificate = opened.certificate.labels[label]
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

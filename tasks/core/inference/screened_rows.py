"""What screening says of a shard: which rows go to which expert, and which score and stage the others get."""

import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import RunFolderError
from tasks.core.inference.asked_screening import screening_of
from tasks.core.inference.certified import CertifiedScreening, open_screening
from tasks.core.inference.pool_draws import ID, ROW, TEXT, row_names
from tasks.core.inference.student_stage import student_guesses
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import AUDITED, DRAWN, EXPERT, NGRAMS, SCREENED_OUT, STUDENT
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.receipts import ScreenedRows
from tasks.core.screening.certificate import LabelCertificate
from tasks.core.screening.draws import AUDIT, NAMES
from tasks.core.screening.joint_path import JointPath

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


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
            top=int((top & ~np.isin(self.stages, SCREENED_OUT)).sum()),
            audited_top=int((top & (self.stages == AUDITED)).sum()),
        )


def screen_rows(
    plan: Plan, shard: Shard, folder: RunFolder, rows: pa.Table
) -> tuple[dict[str, LabelRows], dict[str, tuple[int, float]]]:
    """Screen a shard's rows that can be scored, for every label; return also each stage's rows and seconds.

    Raises:
        RunFolderError: the run has no certificate, or rows are others than when they were drawn.
        ModelFolderError, MachineError: see `open_screening` and `student_guesses`.
    """
    opened, labels = open_screening(folder), [use.label for use in plan.engines]
    if opened.screen is None or opened.run is None:
        return {label: _all_asked(opened, label, rows.num_rows) for label in labels}, {}
    drawn = opened.run.drawn_from(shard.number)
    places = _places_of(plan, shard, rows, drawn.rows)
    audit = opened.draws.of(row_names(plan, shard, rows)) == NAMES.index(AUDIT)
    guesses, spent = _guesses(plan, opened, rows, places)
    return {
        label: _label_rows(opened, label, guesses[:, place], audit, places, drawn.scores[label])
        for place, label in enumerate(labels)
    }, spent


def _guesses(
    plan: Plan, opened: CertifiedScreening, rows: pa.Table, drawn: NDArray[np.int64]
) -> tuple[Floats, dict[str, tuple[int, float]]]:
    """Return all stages' guesses, of shape (rows, labels, stages), NaN where a stage saw no row; rows and seconds."""
    if opened.screen is None:
        raise AssertionError("a run that screens has a first stage")
    started = time.monotonic()
    distinct = rows[TEXT].combine_chunks().dictionary_encode()
    first = opened.screen.score(distinct.dictionary)[distinct.indices.to_numpy()]
    spent = {NGRAMS: (rows.num_rows, time.monotonic() - started)}
    if not screening_of(plan).students:
        return first[:, :, None], spent
    reached = np.zeros(len(first), dtype=bool)
    for place, use in enumerate(plan.engines):
        reached |= _passes(opened.certificate.labels[use.label], first[:, place, None])[:, 0]
    reached[drawn] = False
    second = np.full_like(first, np.nan)
    second[reached], seconds = student_guesses(plan, rows.filter(pa.array(reached)))
    return np.stack([first, second], axis=2), spent | {STUDENT: (int(reached.sum()), seconds)}


def _passes(certificate: LabelCertificate, guesses: Floats) -> Mask:
    """Say which stages each row passes by itself, of the shape of the guesses (rows, stages)."""
    if certificate.off or certificate.threshold is None:
        return np.ones(guesses.shape, dtype=bool)
    return JointPath(certificate.offsets).passing(guesses, certificate.threshold)


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
    certificate, stages = opened.certificate.labels[label], guesses.shape[1]
    passing = _passes(certificate, guesses)
    named = np.where(audit, AUDITED, EXPERT).astype(object)
    named[passing.all(axis=1)] = EXPERT
    scores = np.full(len(guesses), np.nan)
    left = np.ones(len(guesses), dtype=bool)
    for stage, name in enumerate(SCREENED_OUT[:stages]):
        out = left & ~passing[:, stage]
        named[out & ~audit] = name
        scores[out] = screened_out_score(guesses[out, stage], below=stages - 1 - stage)
        left &= ~out
    named[drawn], scores[drawn] = DRAWN, known
    return LabelRows(named, scores, certificate.top_from)


def screened_out_score(guesses: Floats, below: int = 0) -> Floats:
    """Return scores of guessed log-odds: the guessed probability less 1, and less 1 for each stage that would follow.

    So they are below 0 and in the order of the guesses, those of a later stage above those of an earlier one, and every
    expert's above them all.
    """
    under = np.minimum(-1 / (1 + np.exp(np.clip(guesses, -500, 500))), -np.finfo(np.float64).eps)
    return np.asarray(under - below)

"""All drawn rows of a run together, with what the experts made of them; their texts, a shard's at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.inference.asked_screening import screening_of
from tasks.core.inference.draws_run import DrawsRun
from tasks.core.inference.pool_draws import DRAW, TEXT
from tasks.core.runs.plan import Plan
from tasks.core.screening.certify import Drawn, top_from
from tasks.core.screening.draws import CALIBRATE, FIT, NAMES
from tasks.core.screening.ngram_shape import LONGEST_TEXT

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PoolTexts:
    """All drawn rows, in the order of the shards; texts are read when they are asked for."""

    run: DrawsRun
    shards: int
    """The screened run has so many."""
    draw: NDArray[np.int8]
    lengths: NDArray[np.int64]
    """The first stage reads so many characters of each text."""
    scores: dict[str, Floats]
    """Each label's expert gave these."""
    variants: dict[str, str]
    """This variant of each label's engine model is that expert."""

    def of(self, name: str) -> Mask:
        """Say which rows are in the draw of that name."""
        return np.asarray(self.draw == NAMES.index(name))

    def guessed(self, name: str, label: str, guesses: Floats) -> Drawn:
        """Return what a draw says of a label, given the guesses of all stages, of shape (rows, stages)."""
        chosen = self.of(name)
        return Drawn(self.scores[label][chosen], guesses[chosen])

    def by_shard(self) -> Iterator[pa.ChunkedArray]:
        """Yield the texts of each shard."""
        for shard in range(self.shards):
            yield self.run.rows_of(shard)[TEXT]

    def as_fitted(self, chosen: Mask) -> pa.ChunkedArray:
        """Return the texts of some rows, as far as the first stage reads them."""
        found: list[pa.Array] = []
        start = 0
        for texts in self.by_shard():
            own, start = chosen[start : start + len(texts)], start + len(texts)
            found += _read_part(texts.filter(pa.array(own))).chunks
        return pa.chunked_array(found, pa.large_string())


def read_drawn(draws: DrawsRun, shards: int) -> PoolTexts:
    """Read the drawn rows of so many shards, with what the experts made of them.

    Raises:
        RunFolderError: a file is missing, or not the one that was scored or written; or a label's rows were scored by
            several variants of its engine model.
    """
    labels = [use.label for use in draws.plan.engines]
    scores: dict[str, list[Floats]] = {label: [np.empty(0)] for label in labels}
    lengths, draw = [np.empty(0, np.int64)], [np.empty(0, np.int8)]
    for shard in range(shards):
        drawn = draws.drawn_from(shard)
        lengths.append(pc.utf8_length(_read_part(drawn.rows[TEXT])).to_numpy().astype(np.int64))
        draw.append(drawn.rows[DRAW].to_numpy())
        for label in labels:
            scores[label].append(drawn.scores[label])
    whole = {label: np.concatenate(found) for label, found in scores.items()}
    return PoolTexts(draws, shards, np.concatenate(draw), np.concatenate(lengths), whole, draws.variants())


def _read_part(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_slice_codeunits(texts.cast(pa.large_string()), 0, LONGEST_TEXT)


def too_few(drawn: PoolTexts) -> str:
    """Say why nothing can be fitted or bounded at all, or nothing."""
    empty = [name for name in (FIT, CALIBRATE) if not drawn.of(name).any()]
    return f"screening is off: no row was drawn to {' or to '.join(empty)}. Every text is scored." if empty else ""


def top_texts(plan: Plan, drawn: PoolTexts) -> int:
    """Return how many top texts the calibration draw holds, of the label that has the fewest."""
    share, fit, calibrate = screening_of(plan).top_share, drawn.of(FIT), drawn.of(CALIBRATE)
    return min(int((found[calibrate] >= top_from(found[fit], share)).sum()) for found in drawn.scores.values())

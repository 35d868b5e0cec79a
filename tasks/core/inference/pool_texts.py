"""All drawn rows of a run together, with what the experts made of them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.inference.pool_draws import DRAW, TEXT, DrawsRun, screening_of
from tasks.core.runs.plan import Plan
from tasks.core.screening.certify import Drawn, top_from
from tasks.core.screening.draws import CALIBRATE, FIT, NAMES

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DrawnTexts:
    """All drawn rows: their texts, draws and scores, in the order of the shards."""

    texts: pa.ChunkedArray
    draw: NDArray[np.int8]
    scores: dict[str, Floats]
    """Each label's expert gave these."""

    def of(self, name: str) -> NDArray[np.bool_]:
        """Say which rows are in the draw of that name."""
        return np.asarray(self.draw == NAMES.index(name))

    def guessed(self, name: str, label: str, guesses: Floats) -> Drawn:
        """Return what a draw says of a label, given the guesses of all stages, of shape (rows, stages)."""
        chosen = self.of(name)
        return Drawn(self.scores[label][chosen], guesses[chosen])


def read_drawn(draws: DrawsRun, shards: int) -> DrawnTexts:
    """Read the drawn rows of so many shards, with what the experts made of them.

    Raises:
        RunFolderError: a file is missing, or not the one that was scored or written.
    """
    found = [draws.drawn_from(shard) for shard in range(shards)]
    whole = pa.concat_tables([drawn.rows.select([TEXT, DRAW]) for drawn in found])
    labels = [use.label for use in draws.plan.engines]
    scores = {label: np.concatenate([drawn.scores[label] for drawn in found]) for label in labels}
    return DrawnTexts(whole[TEXT], whole[DRAW].to_numpy(), scores)


def too_few(drawn: DrawnTexts) -> str:
    """Say why nothing can be fitted or bounded at all, or nothing."""
    empty = [name for name in (FIT, CALIBRATE) if not drawn.of(name).any()]
    return f"screening is off: no row was drawn to {' or to '.join(empty)}. Every text is scored." if empty else ""


def top_texts(plan: Plan, drawn: DrawnTexts) -> int:
    """Return how many top texts the calibration draw holds, of the label that has the fewest."""
    share, fit, calibrate = screening_of(plan).top_share, drawn.of(FIT), drawn.of(CALIBRATE)
    return min(int((found[calibrate] >= top_from(found[fit], share)).sum()) for found in drawn.scores.values())

"""Which texts the student learns from, and which it is judged on: two draws of rows that share none.

Half of what it learns from is the experts' top, where it must be exact; the rest is drawn evenly from all other rows.
What it is judged on is drawn first, evenly from the whole sample, so that shares there are shares of the sample.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.round.distillation_section import Distillation

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """Numbers of rows, each in rising order."""

    heldout: Rows
    learnt: Rows


def draw_rows(scores: NDArray[np.float64], settings: Distillation) -> Draw:
    """Draw rows by the teacher's scores, of shape (rows, labels); fixed by `draw_seed`.

    Where there are several labels, each has an even part of the texts that come from the top.

    Raises:
        InputDataError: there are fewer rows than are to be drawn.
    """
    wanted = settings.texts + settings.heldout_texts
    if wanted > len(scores):
        raise InputDataError(
            f"distillation takes {settings.texts} texts to learn from and {settings.heldout_texts} to be judged on, "
            f"but the experts have scored {len(scores)}. Lower distillation.texts or distillation.heldout_texts, or "
            "score a larger sample."
        )
    random = np.random.default_rng(settings.draw_seed)
    heldout = random.choice(len(scores), settings.heldout_texts, replace=False)
    free = np.ones(len(scores), dtype=bool)
    free[heldout] = False
    learnt = _draw_from_top(scores, free, settings, random)
    free[learnt] = False
    rest = random.choice(np.flatnonzero(free), settings.texts - len(learnt), replace=False)
    return Draw(np.sort(heldout), np.sort(np.concatenate([learnt, rest])))


def _draw_from_top(
    scores: NDArray[np.float64], free: NDArray[np.bool_], settings: Distillation, random: np.random.Generator
) -> Rows:
    """Draw the part that comes from the top of each label; fewer where the top has fewer rows."""
    quota = int(settings.from_top * settings.texts) // scores.shape[1]
    free, chosen = free.copy(), []
    for column in scores.T:
        top = np.flatnonzero(free & (column >= np.quantile(column, 1 - settings.top_share)))
        chosen.append(random.choice(top, min(quota, len(top)), replace=False))
        free[chosen[-1]] = False
    return np.concatenate(chosen)

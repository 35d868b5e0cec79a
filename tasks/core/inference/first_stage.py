"""The first stage of a run's screening, fitted to the experts' scores of the fitting draw.

Writes  <run folder>/screening/screen/   see screen_folder.py
"""

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.folders_aside import folder_aside, put_in_place
from tasks.core.inference.asked_screening import screening_of
from tasks.core.inference.certified import find_certificate, screen_folder
from tasks.core.inference.pool_texts import PoolTexts
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.screening.draws import FIT
from tasks.core.screening.linear_screen import FLOOR, LinearScreen, fit_screen
from tasks.core.screening.screen_folder import save_screen

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
FIT_CHARACTERS = 250_000_000
"""The first stage is fitted to texts of so many characters together at most: each takes about 14 bytes of
memory beside the text."""
CANARIES = 64
LEAST_ODDS = 1e-15
"""A probability nearer to 0 or 1 than this counts as so near: float64 has no log-odds of 1 itself."""


def fit_first_stage(plan: Plan, folder: RunFolder, drawn: PoolTexts) -> LinearScreen:
    """Fit the first stage, write it, and return it."""
    fit, share = fitting_part(drawn), screening_of(plan).top_share
    texts = drawn.as_fitted(fit)
    log_odds = np.stack([_log_odds(found[fit]) for found in drawn.scores.values()], axis=1)
    screen = fit_screen(texts, log_odds, tuple(drawn.scores), floor=min(FLOOR, max(0.0, 1 - 2 * share)))
    with folder_aside(screen_folder(folder)) as aside:
        save_screen(aside, screen, texts.slice(0, CANARIES).to_pylist())
        put_in_place(aside, screen_folder(folder), lambda: find_certificate(plan, folder) is not None)
    return screen


def fitting_part(drawn: PoolTexts) -> Mask:
    """Say which rows of the fitting draw are fitted to: all or, of very long texts, an even part."""
    rows = np.flatnonzero(drawn.of(FIT))
    count = len(rows)
    chosen = rows
    while len(chosen) > 1 and drawn.lengths[chosen].sum() > FIT_CHARACTERS:
        excess = drawn.lengths[chosen].sum() / FIT_CHARACTERS
        count = max(1, min(count - 1, int(len(chosen) / excess)))
        chosen = rows[np.arange(count) * len(rows) // count]
    part = np.zeros(len(drawn.draw), dtype=np.bool_)
    part[chosen] = True
    return part


def _log_odds(scores: Floats) -> Floats:
    """Return log-odds to seven digits: the last ones of a logarithm differ from CPU to CPU."""
    inside = np.clip(scores, LEAST_ODDS, 1 - LEAST_ODDS)
    return np.asarray((np.log(inside) - np.log1p(-inside)).astype(np.float32), dtype=np.float64)

"""Uncertainty, methods 2 and 3: the texts just above and just below a threshold."""

from functools import partial

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.ranking.ranked import Ranked
from tasks.core.sampling.first_draw import FirstDraw, nearest
from tasks.core.sampling.label_pool import LabelPool


def uncertainty(pool: LabelPool, method: str) -> list[FirstDraw]:
    """Take the texts nearest to the label's threshold, on both sides; of a screened run, of what the expert scored.

    A text of just that score counts as below.

    Raises:
        InputDataError: no threshold of the label is known.
    """
    threshold = pool.threshold
    if threshold is None:
        raise InputDataError(f"'{pool.label}' has no threshold to draw around: evaluate and calibrate its round first")
    draws, wanted = [], pool.settings.uncertain_texts
    with pool.ranked("expert") as ranked:
        edge = ranked.rank_of(threshold)
        for side, step in (("above", -1), ("below", 1)):
            rows = nearest(pool, partial(_beside, ranked, edge, step), wanted)
            said = f"{side} the threshold {threshold:.6g}"
            draws.append(FirstDraw(method, f"just {said}", f"the {len(rows)} ranks {said}", len(rows), wanted, rows))
    return draws


def _beside(ranked: Ranked, edge: int, step: int, size: int) -> pa.Table:
    """Return the rows before an edge of the ranking, or those from it on, the nearest first."""
    first, last = (max(1, edge - size), edge - 1) if step < 0 else (edge, min(ranked.rows, edge + size - 1))
    rows = ranked.between(first, last) if first <= last else ranked.top(1).slice(0, 0)
    return rows.sort_by([("rank", "descending" if step < 0 else "ascending")])

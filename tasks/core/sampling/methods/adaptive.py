"""Adaptive, method 1: a label's best-scored texts."""

from tasks.core.sampling.first_draw import FirstDraw, nearest
from tasks.core.sampling.label_pool import LabelPool


def adaptive(pool: LabelPool) -> list[FirstDraw]:
    """Take the best texts that were not labelled before; of a screened run, of what the expert scored."""
    wanted = pool.settings.adaptive_texts
    with pool.ranked("expert") as ranked:
        rows = nearest(pool, lambda size: ranked.top(min(size, ranked.rows)), wanted)
    return [FirstDraw("adaptive", f"one of the first {wanted}", f"ranks 1 to {len(rows):,}", len(rows), wanted, rows)]

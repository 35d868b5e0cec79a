"""Stratified, method 4: random texts of each stratum of ranks, so that no part of the ranking goes unseen."""

from itertools import pairwise

from tasks.core.sampling.first_draw import FirstDraw, draw_ranks
from tasks.core.sampling.label_pool import LabelPool


def stratified(pool: LabelPool) -> list[FirstDraw]:
    """Draw from each stratum; of a screened run, strata reach into what was screened out."""
    draws, wanted = [], pool.settings.stratum_texts
    with pool.ranked("all") as ranked:
        ends = sorted({min(end, ranked.rows) for end in pool.settings.strata})
        for stratum, (before, last) in enumerate(pairwise([0, *ends])):
            ranks = f"ranks {before + 1:,} to {last:,}"
            rows = draw_ranks(pool, ranked, (before + 1, last), wanted, pool.key("stratified", stratum))
            draws.append(FirstDraw("stratified", f"one of {ranks}", ranks, last - before, wanted, rows, stratum))
    return draws

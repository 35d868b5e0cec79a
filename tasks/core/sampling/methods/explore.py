"""Explore, the other half of method 0: random texts that hold a motif of the label's best ones.

The best texts are compared with random ones of the whole sample, and texts that hold a motif are drawn from the latter:
so they are drawn from all texts of the sample that hold it, wherever these rank.
"""

import pyarrow as pa

from tasks.core.sampling.first_draw import FirstDraw, with_chance
from tasks.core.sampling.label_pool import TEXT, LabelPool
from tasks.core.sampling.motifs.choose_motifs import Motif, find_motifs
from tasks.core.sampling.thinning import keep_some


def explore(pool: LabelPool) -> tuple[list[FirstDraw], list[Motif]]:
    """Find the label's motifs and draw texts that hold them; of a screened run, from what was screened out, too."""
    settings = pool.settings.explore
    with pool.ranked("expert") as ranked:
        best = pool.with_texts(ranked.top(min(pool.settings.top, ranked.rows)))
    with pool.ranked("all") as ranked:
        count = min(settings.random_texts, ranked.rows)
        random = with_chance(ranked.random(count, pool.shared_key("explore")), count / ranked.rows)
    random = pool.with_texts(random)
    used = {*settings.used, *pool.used_motifs}
    found = find_motifs(best[TEXT], random[TEXT], settings, pool.language, used)
    draws = [
        _draw(pool, motif, random.take(pa.array(places)))
        for motif, places in zip(found.motifs, found.holders, strict=True)
    ]
    return draws, found.motifs


def _draw(pool: LabelPool, motif: Motif, holding: pa.Table) -> FirstDraw:
    wanted = pool.settings.explore.texts
    rows = keep_some(holding, wanted * pool.settings.drawn_first, pool.key("explore", str(motif)))
    reason = f"motif '{motif}': lift {motif.lift:.1f}"
    return FirstDraw("explore", reason, f"texts that hold '{motif}'", None, wanted, rows)

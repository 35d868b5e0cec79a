"""The baseline: random texts of the whole sample, the same for every label."""

from tasks.core.sampling.first_draw import FirstDraw, with_chance
from tasks.core.sampling.label_pool import LabelPool


def at_random(pool: LabelPool) -> list[FirstDraw]:
    """Draw random texts; of a screened run, from what was screened out, too."""
    wanted = pool.settings.random_texts
    with pool.ranked("all") as ranked:
        count = min(ranked.rows, wanted * pool.settings.drawn_first)
        rows = with_chance(ranked.random(count, pool.shared_key("random")), count / ranked.rows)
    return [FirstDraw("random", "random text", "all ranks", ranked.rows, wanted, pool.with_texts(rows), shared=True)]

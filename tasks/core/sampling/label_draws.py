"""All draws of one label: by the method, and at random beside it; without what was labelled before, and capped.

Every draw goes the same way: rows of its population are drawn first, those labelled before go, of near-duplicates and
of an author's texts at most so many stay, and of what is left as many as are wanted. Each step that leaves texts out at
random divides their probability among those that stay: see thinning.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.round.sampling_section import MethodName
from tasks.core.sampling.first_draw import FirstDraw
from tasks.core.sampling.label_pool import AUTHOR, TEXT, LabelPool
from tasks.core.sampling.methods.adaptive import adaptive
from tasks.core.sampling.methods.at_random import at_random
from tasks.core.sampling.methods.exploit import exploit
from tasks.core.sampling.methods.explore import explore
from tasks.core.sampling.methods.stratified import stratified
from tasks.core.sampling.methods.uncertainty import uncertainty
from tasks.core.sampling.motifs.choose_motifs import Motif
from tasks.core.sampling.near_duplicates import near_duplicates
from tasks.core.sampling.thinning import keep_of_groups, keep_some


@dataclass(frozen=True)
class DrawCounts:
    """How many texts each step of a draw left."""

    label: str
    method: str
    reason: str
    population: str
    """The draw's probabilities speak of these rows, in words."""
    population_rows: int | None
    """The population has so many rows; None for the texts that hold a motif, whose number is not known."""
    drawn_first: int
    """So many rows of the population were drawn, more than are wanted."""
    labelled_before: int
    """So many of these had been labelled."""
    near_duplicates: int
    """So many of the rest were left out for another that says nearly the same."""
    over_author_cap: int
    """So many of the rest were left out because their authors have enough texts."""
    not_needed: int
    """So many of the rest were left out because no more are wanted."""
    drawn: int
    wanted: int


@dataclass(frozen=True)
class LabelDraws:
    """What was drawn for one label."""

    label: str
    rows: pa.Table
    """The columns are those of the batch's draws, text and author."""
    population: int
    """The label has so many ranked rows."""
    counts: list[DrawCounts]
    motifs: list[Motif]


def draw_label(pool: LabelPool, method: MethodName) -> LabelDraws:
    """Draw a label's texts.

    Raises:
        InputDataError: nothing is scored, scores are NaN, a part is missing, or everything was labelled before.
    """
    with pool.ranked("all") as ranked:
        population = ranked.rows
    if not population:
        raise InputDataError(f"{pool.run_folder} has no scores of '{pool.label}' to rank; score a sample with rows")
    firsts, motifs = _first_draws(pool, method)
    thinned = [_thin(pool, first) for first in firsts]
    if not any(count.drawn for _, count in thinned):
        rows, before = (
            sum(getattr(count, name) for _, count in thinned) for name in ("drawn_first", "labelled_before")
        )
        raise InputDataError(
            f"nothing is left to draw for '{pool.label}' by {method}: of {rows} rows drawn first, {before} were "
            "labelled before. Score a sample with new texts, or raise sampling.top or sampling.drawn_first in the "
            "round file."
        )
    rows = pa.concat_tables([rows for rows, _ in thinned])
    return LabelDraws(pool.label, rows, population, [count for _, count in thinned], motifs)


def _first_draws(pool: LabelPool, method: MethodName) -> tuple[list[FirstDraw], list[Motif]]:
    """Draw by the method, and at random unless that is the method itself or no random texts are asked for."""
    baseline = at_random(pool) if pool.settings.random_texts else []
    if method == "exploit_explore":
        explored, motifs = explore(pool) if pool.settings.explore.motifs else ([], [])
        return [*exploit(pool), *explored, *baseline], motifs
    ways: dict[str, Callable[[LabelPool], list[FirstDraw]]] = {
        "adaptive": adaptive,
        "uncertainty_calibrated": partial(uncertainty, method=method),
        "uncertainty": partial(uncertainty, method=method),
        "stratified": stratified,
        "random": lambda _: [],
    }
    return [*ways[method](pool), *baseline], []


def _thin(pool: LabelPool, first: FirstDraw) -> tuple[pa.Table, DrawCounts]:
    """Return what is left of a first draw, as rows of a batch, and how many each step left out."""
    settings = pool.settings
    key = (pool.shared_key if first.shared else pool.key)(first.method, first.reason, first.stratum)
    fresh = first.rows.filter(pa.array(~pool.before.among(first.rows)))
    groups = near_duplicates(fresh[TEXT].to_pylist(), settings.near_duplicate_similarity)
    # Labels share this key: where several want the same near-duplicates, each keeps the same one of them.
    apart = keep_of_groups(fresh, groups.tolist(), 1, pool.shared_key("near-duplicates", first.method))
    capped = keep_of_groups(
        apart, apart[AUTHOR].to_pylist(), settings.texts_per_author, pool.shared_key("authors", key)
    )
    kept = keep_some(capped, first.wanted, pool.shared_key("wanted", key))
    counts = DrawCounts(
        label=pool.label,
        method=first.method,
        reason=first.reason,
        population=first.population,
        population_rows=first.population_rows,
        drawn_first=len(first.rows),
        labelled_before=len(first.rows) - len(fresh),
        near_duplicates=len(fresh) - len(apart),
        over_author_cap=len(apart) - len(capped),
        not_needed=len(capped) - len(kept),
        drawn=len(kept),
        wanted=first.wanted,
    )
    return _as_draws(pool.label, first, kept), counts


def _as_draws(label: str, first: FirstDraw, rows: pa.Table) -> pa.Table:
    said = {"label": label, "method": first.method, "reason": first.reason}
    columns = {name: pa.array([value] * len(rows), pa.string()) for name, value in said.items()}
    strata = pa.array(np.full(len(rows), first.stratum or 0), pa.int32())
    columns["stratum"] = strata if first.stratum is not None else pa.nulls(len(rows), pa.int32())
    for name, values in columns.items():
        rows = rows.append_column(name, values)
    return rows

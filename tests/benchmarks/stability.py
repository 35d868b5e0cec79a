"""How often other texts of the same pool would give a variant the same verdict, by today's gate and by the former one.

The former one went by overlaps: at least .95 of the best 20, and .98 of the best 100, 1,000 and 1 %, on the parity
texts and on all scored texts; beside the taus, which both have.
"""

import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.conversion.parity.gate import Verdict, judge_apart, judge_scored
from tasks.core.conversion.parity.overlap import overlap_at
from tasks.core.conversion.parity.parity_figures import rank_correlations
from tasks.core.conversion.parity.parity_texts import choose_parity_texts
from tasks.core.conversion.parity.ranking_shift import RankingShift, ranking_shift, top_sizes
from tasks.core.engines.loading import Engine
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.scores import margins
from tasks.core.engines.variants import CPU_PROVIDER, FP32
from tasks.core.round.conversion_section import STRICT, Limits
from tests.benchmarks.measured import Measured

Floats = NDArray[np.float64]
REDRAWS = 20
OVERLAP_20, OVERLAP = 0.95, 0.98
PARITY_TEXTS = 5_000


@dataclass(frozen=True)
class Redraw:
    """A variant judged on some of a pool's texts."""

    verdict: Verdict
    passes_by_overlap: bool
    shift: RankingShift
    """Over all of these texts."""


def redraws(
    reference: Floats, found: Floats, lengths: NDArray[np.int64], threshold: float, texts: int, limits: Limits = STRICT
) -> list[Redraw]:
    """Judge a variant on REDRAWS draws of `texts` of the pool's; all arrays are of shape (pool,)."""
    return [
        _judge(reference[drawn], found[drawn], lengths[drawn], threshold, limits)
        for drawn in (
            np.random.default_rng(seed).choice(len(reference), texts, replace=False) for seed in range(REDRAWS)
        )
    ]


def _judge(reference: Floats, found: Floats, lengths: NDArray[np.int64], threshold: float, limits: Limits) -> Redraw:
    parity = choose_parity_texts(reference[:, None], lengths, min(PARITY_TEXTS, len(reference) // 2), 0)
    sizes = top_sizes(len(reference), len(parity))
    wanted, got = reference[parity], found[parity]
    taus = rank_correlations(wanted, got)
    near = limits.displacement
    of_all = ranking_shift(reference, found, sizes, threshold, near)
    verdict = judge_apart(taus, ranking_shift(wanted, got, sizes, threshold, near), limits) + judge_scored(
        of_all, limits
    )
    return Redraw(verdict, _passes_by_overlap(taus, wanted, got, of_all, sizes, limits), of_all)


def _passes_by_overlap(
    taus: Mapping[str, float],
    wanted: Floats,
    got: Floats,
    of_all: RankingShift,
    sizes: Mapping[str, int],
    limits: Limits,
) -> bool:
    on_parity = {name: overlap_at(wanted, got, size) for name, size in sizes.items()}
    return (
        taus["kendall_tau"] >= limits.kendall_tau
        and taus["kendall_tau_top"] >= limits.kendall_tau_top
        and all(
            min(overlap, of_all.tops[name].overlap) >= (OVERLAP_20 if name == "20" else OVERLAP)
            for name, overlap in on_parity.items()
        )
    )


def stability(drawn: list[Redraw]) -> dict[str, float | int]:
    """Return shares of redraws with the commoner verdict, and how many were called near the limit.

    `firm_minority` counts those with the other verdict that were not.
    """
    passes = [not redraw.verdict.reasons for redraw in drawn]
    commoner = Counter(passes).most_common(1)[0][0]
    return {
        "verdict_stability": _commoner(passes),
        "firm_minority": sum(
            verdict != commoner and not redraw.verdict.near for verdict, redraw in zip(passes, drawn, strict=True)
        ),
        "near_limit": sum(bool(redraw.verdict.near) for redraw in drawn),
        "passes": sum(passes),
        "verdict_stability_overlap": _commoner(redraw.passes_by_overlap for redraw in drawn),
        "passes_by_overlap": sum(redraw.passes_by_overlap for redraw in drawn),
    }


def _commoner(verdicts) -> float:
    counted = Counter(verdicts)
    return max(counted.values()) / counted.total()


def verdicts_of(measured: Measured, pool: list[list[int]], texts: int) -> dict[str, Any]:
    """Score a pool with every judged variant, and judge each on draws of `texts` of it, by both gates.

    Nothing is timed here: variants score side by side on all cores, each on one thread, and what the conversion knows
    of the fp32 graph is not scored again.
    """
    names = [name for name, (_, variant) in measured.files.items() if variant.provider == CPU_PROVIDER]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        logits = threads.map(lambda name: _logits(measured, name, pool), names)
        odds = {name: margins(of, measured.column, measured.head) for name, of in zip(names, logits, strict=True)}
    reference, lengths = odds.pop(FP32.name), np.array([len(row) for row in pool], dtype=np.int64)
    found = {
        name: stability(redraws(reference, each, lengths, measured.threshold, texts)) for name, each in odds.items()
    }
    least = {
        name: min((each[name] for each in found.values()), default=None)
        for name in ("verdict_stability", "verdict_stability_overlap")
    }
    return least | {"redraws": found}


def _logits(measured: Measured, name: str, pool: list[list[int]]) -> NDArray[np.float32]:
    known = {tuple(row): of for row, of in zip(*measured.scored, strict=True)} if name == FP32.name else {}
    unknown = [row for row in pool if tuple(row) not in known]
    found = Engine(open_runtime(*measured.files[name])).logits(unknown)
    known |= {tuple(row): of for row, of in zip(unknown, found, strict=True)}
    return np.stack([known[tuple(row)] for row in pool])

"""Build one variant's graph; the program that build_orders.py starts."""

import json
import sys
from pathlib import Path

from tasks.core.base.files import read_json
from tasks.core.base.naming.composed_names import graph_file, layer_errors_file
from tasks.core.conversion.build_orders import BuildOrder
from tasks.core.conversion.builders.mixed_choice import Logits, Mixing, Ranking, build_mixed_int8
from tasks.core.conversion.parity.gate import judge_apart
from tasks.core.conversion.parity.parity_figures import rank_correlations
from tasks.core.conversion.parity.ranking_shift import ONE_PER_CENT, ranking_shift, top_sizes
from tasks.core.engines.scores import margins
from tasks.core.engines.variants import openvino_int8
from tasks.core.round.conversion_section import Limits

MIXED = openvino_int8("-mixed")
MIXING_TEXTS = 3_000
"""So many of the texts set apart say which layers are to be left out."""


def build(order: BuildOrder) -> None:
    """Write the graph that is ordered."""
    rows: list[list[int]] = read_json(Path(order.apart))
    if order.variant == MIXED.name and not order.like:
        _build_mixed(order, rows)
        return
    from tasks.core.conversion.build_with_torch import build_with_torch  # noqa: PLC0415 - four seconds of a core

    build_with_torch(order, rows)


def _build_mixed(order: BuildOrder, rows: list[list[int]]) -> None:
    """Take the layers out of plain int8, which has been built, that cost the ranking most.

    As many go out as the gate's limits on the ranking ask for among the texts set apart.
    """
    plain = Path(order.graph).with_name(graph_file(openvino_int8().name))

    def ranking_of(reference: Logits, found: Logits) -> Ranking:
        return min(_ranking_of(order, label, reference, found) for label in order.edges)

    errors: dict[str, float] = read_json(layer_errors_file(plain))
    mixing = Mixing(plain, Path(order.fp32), rows[:MIXING_TEXTS], MIXED, errors)
    build_mixed_int8(mixing, ranking_of, Path(order.graph))


def _ranking_of(order: BuildOrder, label: str, reference: Logits, found: Logits) -> Ranking:
    """Say what the gate would of the texts set apart; they are no fair share of a best 1 %, and never judge."""
    column, threshold = order.edges[label]
    wanted, got = (margins(logits, column, order.head) for logits in (reference, found))
    limits, sizes = Limits(**order.limits), top_sizes(len(wanted), len(wanted))
    del sizes[ONE_PER_CENT]
    shift = ranking_shift(wanted, got, sizes, threshold, limits.displacement)
    verdict = judge_apart(rank_correlations(wanted, got), shift, limits)
    if verdict.reasons:
        return Ranking.LOST
    return Ranking.NEAR_A_LIMIT if verdict.near else Ranking.KEPT


if __name__ == "__main__":
    build(BuildOrder(**json.loads(sys.argv[1])))

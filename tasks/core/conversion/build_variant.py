"""Build one variant's graph; the program that build_orders.py starts."""

import json
import sys
from pathlib import Path

import torch

from tasks.core.base.files import read_json, write_json
from tasks.core.base.naming.composed_names import graph_file, layer_errors_file
from tasks.core.base.threads import cpu_threads
from tasks.core.conversion.build_orders import BuildOrder
from tasks.core.conversion.builders.cuda_fp16 import build_cuda_fp16
from tasks.core.conversion.builders.distil_int8 import build_distilled_int8
from tasks.core.conversion.builders.mixed_choice import Logits, Mixing, Ranking, build_mixed_int8
from tasks.core.conversion.builders.mixed_int8 import GraphPair, quantised_layers
from tasks.core.conversion.builders.onnx_int8 import build_dynamic_int8, build_static_int8
from tasks.core.conversion.builders.rounded_int8 import build_rounded_int8
from tasks.core.conversion.parity.gate import judge_apart
from tasks.core.conversion.parity.parity_figures import rank_correlations
from tasks.core.conversion.parity.ranking_shift import ONE_PER_CENT, ranking_shift, top_sizes
from tasks.core.engines.scores import margins
from tasks.core.engines.variants import CUDA_FP16, DYNAMIC_INT8, STATIC_INT8, openvino_int8
from tasks.core.round.conversion_section import Limits

MIXING_TEXTS = 3_000
"""So many of the texts set apart say which layers are to be left out."""


def build(order: BuildOrder) -> None:
    """Write the graph that is ordered."""
    fp32, graph, rows = Path(order.fp32), Path(order.graph), _rows(order)
    calibration = rows[: order.calibration_texts]
    if order.variant == DYNAMIC_INT8.name:
        build_dynamic_int8(fp32, graph)
    elif order.variant == STATIC_INT8.name:
        build_static_int8(fp32, calibration, graph)
    elif order.variant == CUDA_FP16.name:
        build_cuda_fp16(fp32, Path(order.checkpoint), graph)
    elif order.variant == openvino_int8().name:
        write_json(layer_errors_file(graph), build_rounded_int8(Path(order.checkpoint), calibration, order.seed, graph))
    elif order.variant == openvino_int8("-distilled").name:
        build_distilled_int8(Path(order.checkpoint), calibration, rows, order.steps, order.seed, graph)
    elif order.like:
        _build_mixed_like(order, calibration)
    else:
        _build_mixed(order, rows)


def _rows(order: BuildOrder) -> list[list[int]]:
    rows: list[list[int]] = read_json(Path(order.apart))
    return rows


def _build_mixed(order: BuildOrder, rows: list[list[int]]) -> None:
    """Take the layers out of plain int8, which has been built, that cost the ranking most.

    As many go out as the gate's limits on the ranking ask for among the texts set apart.
    """
    plain = Path(order.graph).with_name(graph_file(openvino_int8().name))

    def ranking_of(reference: Logits, found: Logits) -> Ranking:
        return min(_ranking_of(order, label, reference, found) for label in order.edges)

    errors: dict[str, float] = read_json(layer_errors_file(plain))
    mixing = Mixing(plain, Path(order.fp32), rows[:MIXING_TEXTS], openvino_int8("-mixed"), errors)
    build_mixed_int8(mixing, ranking_of, Path(order.graph))


def _build_mixed_like(order: BuildOrder, calibration: list[list[int]]) -> None:
    """Mix another seed's int8 as it was found best for the selected one: which layers are sensitive is not sought."""
    plain = Path(order.graph).with_name(graph_file(openvino_int8().name))
    build_rounded_int8(Path(order.checkpoint), calibration, order.seed, plain)
    left_out = set(quantised_layers(plain)) - set(quantised_layers(Path(order.like)))
    GraphPair(plain, Path(order.fp32)).write_without(left_out, Path(order.graph))


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
    torch.set_num_threads(cpu_threads())
    build(BuildOrder(**json.loads(sys.argv[1])))

"""Which variants are tried, and when: plain ones always, taught and mixed int8 where plain int8 fails by little."""

from collections.abc import Callable
from pathlib import Path

import onnxruntime

from tasks.core.base.naming import ROUNDED_GRAPH, graph_file
from tasks.core.conversion.builders.cuda_fp16 import build_cuda_fp16
from tasks.core.conversion.builders.distil_int8 import build_distilled_int8
from tasks.core.conversion.builders.mixed_choice import Logits, Mixing, build_mixed_int8
from tasks.core.conversion.builders.nncf_int8 import build_openvino_int8
from tasks.core.conversion.builders.onnx_int8 import build_dynamic_int8, build_static_int8
from tasks.core.conversion.parity.gate import judge_apart
from tasks.core.conversion.parity.parity_figures import rank_correlations
from tasks.core.conversion.parity.ranking_shift import ONE_PER_CENT, ranking_shift, top_sizes
from tasks.core.conversion.tried_variants import Trial, measure_cost, try_variant
from tasks.core.conversion.workbench import Workbench
from tasks.core.engines.scores import margins
from tasks.core.engines.variants import (
    CUDA_FP16,
    CUDA_PROVIDER,
    DYNAMIC_INT8,
    FP32,
    OPENVINO_BF16,
    STATIC_INT8,
    Variant,
    has_bf16,
    openvino_int8,
)

LITTLE = 0.05
"""Teaching int8 is worth a try when no more than this is lacking in Kendall's tau."""
LEFT_OUT = "conversion.variants does not name it"
Build = Callable[[Workbench, Path], None]


def try_all(bench: Workbench) -> list[Trial]:
    """Try every variant that this machine can run, then time them all in one go."""
    plain = _try(bench, openvino_int8(), openvino_int8_graph)
    trials = [
        try_variant(bench, FP32, bench.fp32),
        _try(bench, DYNAMIC_INT8, dynamic_int8_graph),
        _try(bench, STATIC_INT8, static_int8_graph),
        _try_bf16(bench),
        plain,
        *_try_better_int8(bench, plain),
        _try_cuda(bench),
    ]
    return measure_cost(bench, trials)


def dynamic_int8_graph(bench: Workbench, graph: Path) -> None:
    """Build ONNX Runtime's dynamic int8."""
    build_dynamic_int8(bench.fp32, graph)


def static_int8_graph(bench: Workbench, graph: Path) -> None:
    """Build ONNX Runtime's static int8."""
    build_static_int8(bench.fp32, _calibration(bench), graph)


def openvino_int8_graph(bench: Workbench, graph: Path) -> None:
    """Build OpenVINO's static int8 by NNCF."""
    build_openvino_int8(bench.fp32, _calibration(bench), graph)


def distilled_int8_graph(bench: Workbench, graph: Path) -> None:
    """Build static int8 and teach it the checkpoint's logits."""
    settings, rows = bench.request.settings, bench.rows("apart")
    checkpoint = Path(bench.request.checkpoint)
    build_distilled_int8(checkpoint, _calibration(bench), rows, settings.distillation_steps, settings.draw_seed, graph)


def mixed_int8_graph(bench: Workbench, graph: Path) -> None:
    """Round as the distilled variant does, but teach nothing, and take the layers out that cost the ranking most.

    As many go out as the gate's limits on the ranking ask for among the texts set apart.
    """
    rounded, rows = graph.with_name(ROUNDED_GRAPH), _calibration(bench)
    build_distilled_int8(Path(bench.request.checkpoint), rows, rows, 0, bench.request.settings.draw_seed, rounded)

    def is_enough(reference: Logits, found: Logits) -> bool:
        return all(_is_enough(bench, label, reference, found) for label in bench.columns)

    build_mixed_int8(Mixing(rounded, bench.fp32, bench.rows("apart"), openvino_int8("-mixed")), is_enough, graph)


def _is_enough(bench: Workbench, label: str, reference: Logits, found: Logits) -> bool:
    """Say whether the texts set apart, which are no fair share of a best 1 %, would pass."""
    wanted, got = (margins(logits, bench.columns[label], bench.card.head) for logits in (reference, found))
    limits, sizes = bench.request.settings.gate.limits, top_sizes(len(wanted), len(wanted))
    del sizes[ONE_PER_CENT]
    shift = ranking_shift(wanted, got, sizes, bench.thresholds[label], limits.displacement)
    return not judge_apart(rank_correlations(wanted, got), shift, limits).reasons


def cuda_fp16_graph(bench: Workbench, graph: Path) -> None:
    """Build the fused fp16 graph for GPUs."""
    build_cuda_fp16(bench.fp32, Path(bench.request.checkpoint), graph)


def _try(bench: Workbench, variant: Variant, build: Build) -> Trial:
    if variant.name not in bench.request.settings.variants:
        return Trial(variant, not_tried=LEFT_OUT)
    graph = bench.folder / graph_file(variant.name)
    try:
        build(bench, graph)
    except Exception as error:  # noqa: BLE001 - a library that cannot build this model costs the variant, not the rest
        return Trial(variant, not_tried=f"it could not be built: {type(error).__name__}: {error}")
    return try_variant(bench, variant, graph)


def _try_bf16(bench: Workbench) -> Trial:
    if not has_bf16():
        return Trial(OPENVINO_BF16, not_tried="this CPU does not multiply bf16 matrices (avx512_bf16 or amx_bf16)")
    if OPENVINO_BF16.name not in bench.request.settings.variants:
        return Trial(OPENVINO_BF16, not_tried=LEFT_OUT)
    return try_variant(bench, OPENVINO_BF16, bench.fp32)


def _try_better_int8(bench: Workbench, plain: Trial) -> list[Trial]:
    """Teach int8 its checkpoint's logits; if that is not enough, take the most sensitive layers out of int8."""
    distilled, mixed = openvino_int8("-distilled"), openvino_int8("-mixed")
    why_not = _why_not(plain, bench.request.settings.gate.limits.kendall_tau)
    if why_not is not None:
        return [Trial(distilled, not_tried=why_not), Trial(mixed, not_tried=why_not)]
    taught = Trial(distilled, not_tried="conversion.distillation_steps is 0")
    if bench.request.settings.distillation_steps:
        taught = _try(bench, distilled, distilled_int8_graph)
    if taught.passes:
        return [taught, Trial(mixed, not_tried=f"{distilled.name} passes already")]
    return [taught, _try(bench, mixed, mixed_int8_graph)]


def _why_not(plain: Trial, limit: float) -> str | None:
    """Say why better int8 need not or cannot be tried, or None."""
    if plain.graph is None:
        return plain.not_tried
    if plain.passes:
        return f"{plain.variant.name} passes already"
    tau = min(figures.kendall_tau or 0.0 for figures in plain.labels.values())
    if tau < limit - LITTLE:
        return f"{plain.variant.name} fails by much: Kendall's tau is {tau:.4f}, and {limit:g} is needed"
    return None


def _try_cuda(bench: Workbench) -> Trial:
    if CUDA_PROVIDER not in onnxruntime.get_available_providers():
        return Trial(CUDA_FP16, not_tried="this machine's ONNX Runtime has no CUDA device")
    return _try(bench, CUDA_FP16, cuda_fp16_graph)


def _calibration(bench: Workbench) -> list[list[int]]:
    return bench.rows("apart")[: bench.request.settings.calibration_texts]


def build_like(bench: Workbench, shipped: Trial) -> Path:
    """Build the variant that ships from another checkpoint's workbench, and return its graph."""
    variant = shipped.variant
    graph = bench.folder / graph_file(variant.name)
    builders: dict[str, Build] = {
        DYNAMIC_INT8.name: dynamic_int8_graph,
        STATIC_INT8.name: static_int8_graph,
        openvino_int8().name: openvino_int8_graph,
        openvino_int8("-distilled").name: distilled_int8_graph,
        openvino_int8("-mixed").name: mixed_int8_graph,
        CUDA_FP16.name: cuda_fp16_graph,
    }
    if variant.name not in builders:
        return bench.fp32
    builders[variant.name](bench, graph)
    return graph

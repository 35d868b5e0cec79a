"""Variants whose graphs are made from the checkpoint, or by libraries that load PyTorch."""

from pathlib import Path

import torch

from tasks.core.base.files import write_json
from tasks.core.base.naming.composed_names import graph_file, layer_errors_file
from tasks.core.base.threads import cpu_threads
from tasks.core.conversion.build_orders import BuildOrder
from tasks.core.conversion.builders.cuda_fp16 import build_cuda_fp16
from tasks.core.conversion.builders.distil_int8 import build_distilled_int8
from tasks.core.conversion.builders.mixed_int8 import GraphPair, quantised_layers
from tasks.core.conversion.builders.onnx_int8 import build_dynamic_int8, build_static_int8
from tasks.core.conversion.builders.rounded_int8 import build_rounded_int8
from tasks.core.engines.variants import CUDA_FP16, DYNAMIC_INT8, STATIC_INT8, openvino_int8


def build_with_torch(order: BuildOrder, rows: list[list[int]]) -> None:
    """Write the graph that is ordered; `rows` are the texts set apart."""
    torch.set_num_threads(cpu_threads())
    fp32, graph, calibration = Path(order.fp32), Path(order.graph), rows[: order.calibration_texts]
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
    else:
        _build_mixed_like(order, calibration)


def _build_mixed_like(order: BuildOrder, calibration: list[list[int]]) -> None:
    """Mix another seed's int8 as it was found best for the selected one: which layers are sensitive is not sought."""
    plain = Path(order.graph).with_name(graph_file(openvino_int8().name))
    build_rounded_int8(Path(order.checkpoint), calibration, order.seed, plain)
    left_out = set(quantised_layers(plain)) - set(quantised_layers(Path(order.like)))
    GraphPair(plain, Path(order.fp32)).write_without(left_out, Path(order.graph))

"""Some layers out of int8: those whose rounding moves the logits most for the time that they save.

Works on graphs with Quantize/Dequantize pairs, whoever wrote them. A layer is the products that read one quantised
tensor (a block's query, key and value together), or a product of two activations. A layer left out reads its inputs
unrounded, and its weights before rounding where the graph still holds them, else dequantised: what smoothing, bias
correction and training made of them stays. It runs in the float format that the engine is asked for.
"""

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from tasks.core.errors import ParityError
from tasks.core.inference.engine import Engine
from tasks.core.inference.runtimes import open_runtime
from tasks.core.inference.variants import FP32, Variant

PRODUCTS = ("MatMul", "Gemm")
PASSED_ON = ("Reshape", "Transpose")
"""Operations between a quantised tensor and the product that reads it."""
ERROR_SHARE = 0.012
"""Wanted root mean square error of the logits, as a share of their spread; Kendall's tau is then about .99."""
MEASURED_ROWS = 200
INT8_IN_F32 = Variant("openvino-int8-f32", "openvino", "f32", quantised=True)
"""Measures rounding to int8 alone: what is not quantised runs in fp32."""


@dataclass(frozen=True)
class Sensitivity:
    """What one layer's int8 costs."""

    layer: str
    error: float
    """Root mean square error of the logits when this layer alone is int8."""
    weights: int
    """Numbers in its weights: the time that int8 saves goes with them."""


def quantised_layers(int8: Path) -> list[str]:
    """Return the layers that run in int8, each by its first product's name, in the order of the graph."""
    return list(_layers(onnx.load(int8)))


def without(int8: Path, layers: Collection[str], target: Path) -> None:
    """Write the graph with `layers` in floating point.

    Raises:
        ParityError: the graph has no such quantised layer.
    """
    model = onnx.load(int8)
    known = _layers(model)
    if unknown := set(layers) - set(known):
        raise ParityError(f"{int8} has no quantised layer {sorted(unknown)}; quantised_layers() gives {list(known)}")
    nodes = {node.name: node for node in model.graph.node}
    for layer in layers:
        for name in known[layer]:
            _unquantise(model, nodes[name])
    _drop_unused(model)
    onnx.save(model, target)


def sensitivities(int8: Path, rows: list[list[int]], reference: NDArray[np.float32]) -> list[Sensitivity]:
    """Measure each layer's part in the logits' error on token `rows`, given their fp32 logits.

    The layer alone is int8: its error stands out from nothing else's, where leaving it out of many would drown in them.
    It takes a graph's compilation and a pass over the rows for each layer.
    """
    layers = quantised_layers(int8)
    sizes = _sizes(onnx.load(int8))
    return [
        Sensitivity(layer, _error(int8, [other for other in layers if other != layer], rows, reference), sizes[layer])
        for layer in layers
    ]


def build_mixed_int8(
    int8: Path, fp32: Path, rows: list[list[int]], target: Path, error_share: float = ERROR_SHARE
) -> list[str]:
    """Write the graph with as few layers in floating point as bring the error down to `error_share`; return them.

    Layers go out by squared error a weight, since time goes with weights and errors of layers add up in squares.

    Args:
        int8: The graph with Quantize/Dequantize pairs.
        fp32: The graph that it was made from.
        rows: Token rows; the first MEASURED_ROWS of them are used.
        target: The file to write.
        error_share: Wanted root mean square error of the logits, as a share of their standard deviation.

    Raises:
        ParityError: even with every layer in floating point the error is larger.
    """
    rows = rows[:MEASURED_ROWS]
    reference = Engine(open_runtime(fp32, FP32)).logits(rows)
    wanted = error_share * float(reference.std(axis=0).mean())
    measured = sensitivities(int8, rows, reference)
    order = [one.layer for one in sorted(measured, key=lambda one: -(one.error**2) / max(one.weights, 1))]
    count = _fewest(int8, order, rows, reference, wanted)
    without(int8, order[:count], target)
    return order[:count]


def _fewest(int8: Path, order: list[str], rows: list[list[int]], reference: NDArray[np.float32], wanted: float) -> int:
    """Return how many of `order` have to be left out, found by halving."""
    least, most = 0, len(order)
    if (error := _error(int8, order, rows, reference)) > wanted:
        raise ParityError(
            f"{int8} keeps an error of {error:.4g} with no layer in int8, and {wanted:.4g} is wanted; its weights are "
            "too far from the checkpoint's: distil with fewer steps, or leave the mixed variant out of the round"
        )
    while least < most:
        middle = (least + most) // 2
        if _error(int8, order[:middle], rows, reference) <= wanted:
            most = middle
        else:
            least = middle + 1
    return most


def _error(int8: Path, layers: Collection[str], rows: list[list[int]], reference: NDArray[np.float32]) -> float:
    """Return the root mean square error of the logits with `layers` in floating point."""
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "mixed.onnx"
        without(int8, layers, graph)
        found = Engine(open_runtime(graph, INT8_IN_F32)).logits(rows)
    return float(np.sqrt(np.mean((found - reference) ** 2)))


def _layers(model: ModelProto) -> dict[str, list[str]]:
    """Return the names of the products of each layer, by the first one's."""
    made_by = _makers(model)
    by_input: dict[str, list[str]] = {}
    for node in model.graph.node:
        if node.op_type in PRODUCTS and all(_pair(made_by, name) for name in node.input[:2]):
            by_input.setdefault(_pair(made_by, node.input[0])[-1].output[0], []).append(node.name)
    return {names[0]: names for names in by_input.values()}


def _sizes(model: ModelProto) -> dict[str, int]:
    """Return how many weights each layer has; a product of activations has none."""
    made_by, nodes = _makers(model), {node.name: node for node in model.graph.node}
    held = {tensor.name: int(np.prod(tensor.dims)) for tensor in model.graph.initializer}

    def size(name: str) -> int:
        return held.get(_source(made_by, _pair(made_by, nodes[name].input[1])[-1].input[0]), 0)

    return {layer: sum(size(name) for name in names) for layer, names in _layers(model).items()}


def _makers(model: ModelProto) -> dict[str, NodeProto]:
    return {output: node for node in model.graph.node for output in node.output}


def _pair(made_by: dict[str, NodeProto], name: str) -> list[NodeProto]:
    """Return the nodes from a product's input up to its DequantizeLinear, which is the last; empty if there is none."""
    path = []
    while (node := made_by.get(name)) is not None:
        path.append(node)
        if node.op_type == "DequantizeLinear":
            return path
        if node.op_type not in PASSED_ON:
            break
        name = node.input[0]
    return []


def _source(made_by: dict[str, NodeProto], name: str) -> str:
    """Return what is quantised into the tensor `name`, or `name` itself when it is stored as integers."""
    while (node := made_by.get(name)) is not None and node.op_type in ("QuantizeLinear", "Identity"):
        name = node.input[0]
    return name


def _unquantise(model: ModelProto, product: NodeProto) -> None:
    """Let a product read floats: what its inputs were quantised from, or dequantised integers."""
    made_by = _makers(model)
    for position, name in enumerate(product.input[:2]):
        path = _pair(made_by, name)
        dequantise = path[-1]
        source = made_by.get(dequantise.input[0])
        unrounded = source.input[0] if source is not None and source.op_type == "QuantizeLinear" else None
        reader, place = (path[-2], 0) if len(path) > 1 else (product, position)
        reader.input[place] = unrounded or _dequantised(model, dequantise)


def _dequantised(model: ModelProto, node: NodeProto) -> str:
    """Add the floats that a DequantizeLinear makes of stored integers, and return their name."""
    stored = _constants(model)
    values, scale = (numpy_helper.to_array(stored[name]) for name in node.input[:2])
    zero = numpy_helper.to_array(stored[node.input[2]]) if len(node.input) > 2 else np.zeros_like(scale)
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
    shape = [-1 if number == axis % values.ndim else 1 for number in range(values.ndim)] if scale.size > 1 else [1]
    floats = (values.astype(np.float32) - zero.astype(np.float32).reshape(shape)) * scale.reshape(shape)
    name = f"{node.output[0]}_float"
    if name not in stored:
        model.graph.initializer.append(numpy_helper.from_array(floats.astype(np.float32), name))
    return name


def _constants(model: ModelProto) -> dict[str, TensorProto]:
    """Return the stored tensors by name, in nodes of their own too."""
    nodes = {node.output[0]: node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"}
    stored = nodes | {tensor.name: tensor for tensor in model.graph.initializer}
    same = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Identity"}
    return stored | {name: stored[other] for name, other in same.items() if other in stored}


def _drop_unused(model: ModelProto) -> None:
    """Remove the nodes and constants that nothing reads any more."""
    graph = model.graph
    while True:
        read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        unused = [node for node in graph.node if not read & set(node.output)]
        if not unused:
            break
        for node in unused:
            graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in read]:
        graph.initializer.remove(tensor)

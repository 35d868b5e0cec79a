"""Some layers out of int8: those whose rounding moves the logits most for the time that they save.

Works on graphs with Quantize/Dequantize pairs, whoever wrote them. A layer is the products that read one quantised
tensor (a block's query, key and value together), or a product of two activations. A layer left out becomes the fp32
graph's own: its input before smoothing and rounding, its weights and its bias. Dequantised weights would keep the
larger part of the error, and go wrong on inputs beyond the range that they were rounded for. The names of nodes and
tensors have to be those of the fp32 graph, as NNCF and our exporter leave them.
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
ERROR_SHARE = 0.006
"""Wanted root mean square error of the logits, as a share of their spread. A fine-tuned MiniLM then passed the strict
limits on its ranking; an MPNet needed about half of it."""
MEASURED_ROWS = 128
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


def without(int8: Path, fp32: Path, layers: Collection[str], target: Path) -> None:
    """Write the `int8` graph with `layers` in floating point, as they are in the `fp32` graph.

    Raises:
        ParityError: the graph has no such quantised layer, or was not made from the fp32 graph.
    """
    model = onnx.load(int8)
    known = _layers(model)
    if unknown := set(layers) - set(known):
        raise ParityError(f"{int8} has no quantised layer {sorted(unknown)}; quantised_layers() gives {list(known)}")
    surgery = _Surgery(model, onnx.load(fp32))
    for name in [name for layer in layers for name in known[layer]]:
        surgery.restore(name)
    _drop_unused(model)
    onnx.save(model, target)


@dataclass(frozen=True)
class Yardstick:
    """An int8 graph, and what its errors are measured by."""

    int8: Path
    fp32: Path
    """The graph that it was made from."""
    rows: list[list[int]]
    reference: NDArray[np.float32]
    """The fp32 graph's logits on the rows."""

    def error(self, layers: Collection[str]) -> float:
        """Return the root mean square error of the logits with `layers` in floating point."""
        with tempfile.TemporaryDirectory() as folder:
            graph = Path(folder) / "mixed.onnx"
            without(self.int8, self.fp32, layers, graph)
            found = Engine(open_runtime(graph, INT8_IN_F32)).logits(self.rows)
        return float(np.sqrt(np.mean((found - self.reference) ** 2)))


def open_yardstick(int8: Path, fp32: Path, rows: list[list[int]]) -> Yardstick:
    """Score token `rows` with the fp32 graph."""
    return Yardstick(int8, fp32, rows, Engine(open_runtime(fp32, FP32)).logits(rows))


def sensitivities(yardstick: Yardstick) -> list[Sensitivity]:
    """Measure each layer's part in the logits' error.

    The layer alone is int8: its error stands out from nothing else's, where leaving it out of many would drown in them.
    It takes a graph's compilation and a pass over the rows for each layer.
    """
    layers = quantised_layers(yardstick.int8)
    sizes = _sizes(onnx.load(yardstick.int8))
    alone = {layer: [other for other in layers if other != layer] for layer in layers}
    return [Sensitivity(layer, yardstick.error(alone[layer]), sizes[layer]) for layer in layers]


def costliest_first(measured: list[Sensitivity]) -> list[str]:
    """Return the layers by squared error a weight: time goes with weights, and errors of layers add up in squares."""
    return [one.layer for one in sorted(measured, key=lambda one: -(one.error**2) / max(one.weights, 1))]


def build_mixed_int8(
    int8: Path, fp32: Path, rows: list[list[int]], target: Path, error_share: float = ERROR_SHARE
) -> list[str]:
    """Write the graph with as few layers in floating point as bring the error down to `error_share`; return them.

    Layers go out in the order of costliest_first.

    Args:
        int8: The graph with Quantize/Dequantize pairs.
        fp32: The graph that it was made from.
        rows: Token rows; the first MEASURED_ROWS of them are used.
        target: The file to write.
        error_share: Wanted root mean square error of the logits, as a share of their standard deviation.

    Raises:
        ParityError: even with every layer in floating point the error is larger.
    """
    yardstick = open_yardstick(int8, fp32, rows[:MEASURED_ROWS])
    wanted = error_share * float(yardstick.reference.std(axis=0).mean())
    order = costliest_first(sensitivities(yardstick))
    count = _fewest(yardstick, order, wanted)
    without(int8, fp32, order[:count], target)
    return order[:count]


def _fewest(yardstick: Yardstick, order: list[str], wanted: float) -> int:
    """Return how many of `order` have to be left out, found by halving."""
    least, most = 0, len(order)
    if (error := yardstick.error(order)) > wanted:
        raise ParityError(
            f"{yardstick.int8} keeps an error of {error:.4g} with no layer in int8, and {wanted:.4g} is wanted: distil "
            "with fewer steps, or leave the mixed variant out of the round"
        )
    while least < most:
        middle = (least + most) // 2
        if yardstick.error(order[:middle]) <= wanted:
            most = middle
        else:
            least = middle + 1
    return most


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


class _Surgery:
    """Puts layers of the fp32 graph into the int8 graph."""

    def __init__(self, model: ModelProto, source: ModelProto) -> None:
        self.graph = model.graph
        self.made_by = _makers(model)
        self.nodes = {node.name: node for node in model.graph.node}
        self.originals = {node.name: node for node in source.graph.node}
        self.stored, self.weights = _constants(model), _constants(source)

    def restore(self, name: str) -> None:
        """Let the product called `name` read what the fp32 graph's reads."""
        product, original = self.nodes[name], self.originals.get(name)
        if original is None or not self._fits(original):
            raise ParityError(f"{name} is not as in the fp32 graph; give the graph that the int8 one was made from")
        for position, source in enumerate(original.input):
            if source in self.weights:
                product.input[position] = self._copied(source)
            elif any(weight in self.weights for weight in original.input):
                product.input[position] = source
            else:
                self._unrounded(product, position)
        self._restore_bias(product, original)

    def _fits(self, original: NodeProto) -> bool:
        return all(name in self.weights or name in self.made_by for name in original.input)

    def _copied(self, weight: str) -> str:
        """Return the name of a copy of the fp32 graph's constant."""
        name = f"{weight}_fp32"
        if name not in self.stored:
            self.stored[name] = numpy_helper.from_array(numpy_helper.to_array(self.weights[weight]), name)
            self.graph.initializer.append(self.stored[name])
        return name

    def _unrounded(self, product: NodeProto, position: int) -> None:
        """Let a product of activations read what its input is quantised from."""
        path = _pair(self.made_by, product.input[position])
        quantise = self.made_by.get(path[-1].input[0]) if path else None
        if quantise is not None and quantise.op_type == "QuantizeLinear":
            reader, place = (path[-2], 0) if len(path) > 1 else (product, position)
            reader.input[place] = quantise.input[0]

    def _restore_bias(self, product: NodeProto, original: NodeProto) -> None:
        biases = [name for node in self.originals.values() for name in _added(node, original) if name in self.weights]
        for node in self.graph.node:
            for name in _added(node, product) if biases else []:
                node.input[list(node.input).index(name)] = self._copied(biases[0])


def _added(node: NodeProto, product: NodeProto) -> list[str]:
    """Return what `node` adds to a product's result; nothing, when it is no such addition."""
    adds = node.op_type == "Add" and product.output[0] in node.input
    return [name for name in node.input if name != product.output[0]] if adds else []


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

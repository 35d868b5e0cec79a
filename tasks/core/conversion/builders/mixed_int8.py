"""Some layers of a graph out of int8; which ones, tasks.core.conversion.builders.mixed_choice finds.

Works on graphs with Quantize/Dequantize pairs, whoever wrote them. A layer is the products that read one quantised
tensor (a block's query, key and value together), or a product of two activations. A layer left out becomes the fp32
graph's own: its input before smoothing and rounding, its weights and its bias. Dequantised weights would keep the
larger part of the error, and go wrong on inputs beyond the range that they were rounded for. The names of nodes and
tensors have to be those of the fp32 graph, as our exporter leaves them.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from tasks.core.base.errors import ParityError

PRODUCTS = ("MatMul", "Gemm")
PASSED_ON = ("Reshape", "Transpose")
"""These operations may stand between a quantised tensor and the product that reads it."""


def quantised_layers(int8: Path) -> list[str]:
    """Return the layers that run in int8, each by its first product's name, in the order of the graph."""
    return list(_layers(onnx.load(int8)))


class GraphPair:
    """An int8 graph and the fp32 graph that it was made from, read once for many mixed ones."""

    def __init__(self, int8: Path, fp32: Path) -> None:
        self._int8, self._fp32, self._path = onnx.load(int8), onnx.load(fp32), int8

    def write_without(self, layers: Collection[str], target: Path) -> None:
        """Write the int8 graph with `layers` in floating point, as they are in the fp32 graph.

        Raises:
            ParityError: the graph has no such quantised layer, or was not made from the fp32 graph.
        """
        model = ModelProto()
        model.CopyFrom(self._int8)
        known = _layers(model)
        if unknown := set(layers) - set(known):
            raise ParityError(
                f"{self._path} has no quantised layer {sorted(unknown)}; quantised_layers() gives {list(known)}"
            )
        surgery = _Surgery(model, self._fp32)
        for name in [name for layer in layers for name in known[layer]]:
            surgery.restore(name)
        _drop_unused(model)
        onnx.save(model, target)


def _layers(model: ModelProto) -> dict[str, list[str]]:
    """Return the names of the products of each layer, by the first one's."""
    made_by = _makers(model)
    by_input: dict[str, list[str]] = {}
    for node in model.graph.node:
        if node.op_type in PRODUCTS and all(_pair(made_by, name) for name in node.input[:2]):
            by_input.setdefault(_pair(made_by, node.input[0])[-1].output[0], []).append(node.name)
    return {names[0]: names for names in by_input.values()}


def weights_of_layers(int8: Path) -> dict[str, int]:
    """Return how many numbers each layer's weights hold; a product of activations has none."""
    model = onnx.load(int8)
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

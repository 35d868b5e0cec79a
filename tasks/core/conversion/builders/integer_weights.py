"""Weights of a graph with Quantize/Dequantize pairs stored as the integers that they are rounded to."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper


def store_integers(path: Path) -> None:
    """Store weights as the integers they are rounded to, and what several layers read once: smaller, the same graph."""
    model = onnx.load(path)
    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    values = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    for node in [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in stored]:
        weight, steps = (numpy_helper.to_array((stored | values)[name]) for name in node.input[:2])
        integers = np.clip(np.rint(weight / steps[:, None]), -128, 127).astype(np.int8)
        graph.initializer.append(numpy_helper.from_array(integers, node.output[0]))
        graph.initializer.remove(stored[node.input[0]])
        graph.node.remove(node)
    _merge_equals(graph)
    onnx.save(model, path)


def _merge_equals(graph: Any) -> None:
    """Merge constants of equal value and then nodes of equal inputs: query, key and value round the same tensor."""
    first: dict[bytes, str] = {}
    names: dict[str, str] = {}
    for tensor in list(graph.initializer):
        content = tensor.raw_data + repr((tensor.data_type, list(tensor.dims))).encode()
        if first.setdefault(content, tensor.name) != tensor.name:
            names[tensor.name] = first[content]
            graph.initializer.remove(tensor)
    for node in list(graph.node):
        node.input[:] = [names.get(name, name) for name in node.input]
        if node.op_type == "Identity" and node.output[0] not in {output.name for output in graph.output}:
            names[node.output[0]] = node.input[0]
            graph.node.remove(node)
            continue
        content = repr((node.op_type, list(node.input), [str(one) for one in node.attribute])).encode()
        if first.setdefault(content, node.output[0]) != node.output[0]:
            names[node.output[0]] = first[content]
            graph.node.remove(node)

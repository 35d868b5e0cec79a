"""How much work a graph does a token, told from the graph alone: the same on every machine."""

import math
from pathlib import Path

import onnx

PRODUCTS = ("MatMul", "Gemm")


def multiplied_weights(graph: Path) -> int:
    """Return how many of a graph's weights are multiplied with every token; those that are looked up are not."""
    model = onnx.load(graph, load_external_data=False).graph
    multiplied = {name for node in model.node if node.op_type in PRODUCTS for name in node.input}
    return sum(math.prod(one.dims) for one in model.initializer if one.name in multiplied)

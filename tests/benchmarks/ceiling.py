"""What one core can give at most: its rate of matrix products, in each number format.

Measured on products of a feed-forward block's shapes, in OpenVINO (a chain of products with nothing between them but
what quantising needs) and in PyTorch (one product). The better of the two, at the better number of rows, counts: an
engine's share of it also pays for softmax, normalisation, activation, and products of awkward shapes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from openvino import opset13

from tasks.core.engines.variants import Variant, has_bf16
from tests.benchmarks.turns import Way, rate_of

ROWS = (256, 2_048)
CHAIN = 4
REPEATS = 5
HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
TORCH_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "int8": torch.int8}


def format_of(variant: Variant) -> str:
    """Return the number format of most of a variant's products: fp32, bf16, fp16 or int8."""
    return "int8" if variant.quantised else {"f32": "fp32", "bf16": "bf16", "f16": "fp16"}[variant.precision]


def flops_of_pass(config: dict[str, Any], lengths: NDArray[np.int64]) -> float:
    """Return twice the multiply-adds of all matrix products in scoring texts of these lengths, without padding.

    Four projections, the feed-forward block, the two products of attention, and the head on the first token.
    """
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    of_token = 4 * hidden * hidden + 2 * hidden * inner
    attention = 2 * hidden * np.square(lengths.astype(np.float64))
    layers = config["num_hidden_layers"] * (of_token * lengths + attention)
    return float(2 * (layers + hidden * hidden + 2 * hidden).sum())


def ceiling_ways(hidden: int, inner: int) -> dict[str, Way]:
    """Return, for each number format that this CPU multiplies, the way that gives its rate in GFLOP/s (GOP/s)."""
    formats = [name for name in HINTS if name != "bf16" or has_bf16()]
    return {name: _best_of(_products(name, hidden, inner)) for name in formats}


def _best_of(ways: list[Way]) -> Way:
    return lambda: max(way() for way in ways for _ in range(REPEATS))


def _products(name: str, hidden: int, inner: int) -> list[Way]:
    ways = []
    for rows in ROWS:
        operations = 2 * rows * hidden * inner / 1e9
        ways.append(rate_of(_openvino_chain(name, rows, hidden, inner), CHAIN * operations))
        ways.append(rate_of(_torch_product(TORCH_TYPES[name], rows, hidden, inner), operations))
    return ways


def _openvino_chain(name: str, rows: int, hidden: int, inner: int) -> Callable[[], object]:
    """Return a run of products hidden -> inner -> hidden and so on."""
    generator = np.random.default_rng(0)
    given = opset13.parameter([rows, hidden], np.float32)
    node, sizes = given, (hidden, inner)
    for _ in range(CHAIN):
        weights = opset13.constant((generator.standard_normal(sizes) / np.sqrt(sizes[0])).astype(np.float32))
        if name == "int8":
            node, weights = _quantised(node, 4.0, 256), _quantised(weights, 0.2, 255)
        node, sizes = opset13.matmul(node, weights, False, False), sizes[::-1]
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": HINTS[name]}
    request = openvino.Core().compile_model(openvino.Model([node], [given]), "CPU", settings).create_infer_request()
    request.set_input_tensor(openvino.Tensor(generator.standard_normal((rows, hidden)).astype(np.float32)))
    return request.infer


def _quantised(node: Any, bound: float, levels: int) -> Any:
    low, high = opset13.constant(np.float32(-bound)), opset13.constant(np.float32(bound))
    return opset13.fake_quantize(node, low, high, low, high, levels)


def _torch_product(dtype: torch.dtype, rows: int, hidden: int, inner: int) -> Callable[[], object]:
    if dtype == torch.int8:
        left, right = (torch.randint(-99, 99, size, dtype=dtype) for size in ((rows, hidden), (hidden, inner)))
        return partial(torch._int_mm, left, right)
    left, right = torch.randn(rows, hidden).to(dtype), torch.randn(inner, hidden).to(dtype)
    return partial(torch.nn.functional.linear, left, right)

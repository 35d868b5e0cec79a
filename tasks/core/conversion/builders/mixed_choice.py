"""Which layers mixed int8 leaves out: the costliest for their time, as few as the ranking needs."""

import tempfile
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import ParityError
from tasks.core.base.naming import MIXED_GRAPH
from tasks.core.conversion.builders.mixed_int8 import GraphPair, quantised_layers, weights_of_layers
from tasks.core.engines.loading import Engine
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import FP32, Variant

Logits = NDArray[np.float32]
MEASURED_ROWS, MEASURED_LENGTHS = 128, 4
"""Each layer's error is measured on so many rows, of so few lengths: a runtime prepares itself anew for each length."""
INT8_IN_F32 = Variant("openvino-int8-f32", "openvino", "f32", quantised=True)
"""This variant shows what rounding to int8 alone costs: what is not quantised runs in fp32."""


@dataclass(frozen=True)
class Sensitivity:
    """What one layer's int8 costs."""

    layer: str
    error: float
    """The logits have this root mean square error when this layer alone is int8."""
    weights: int
    """The layer's weights are so many numbers, and the time that int8 saves goes with them."""


@dataclass(frozen=True)
class Mixing:
    """An int8 graph to be mixed, and the texts by which its layers are chosen."""

    int8: Path
    fp32: Path
    """The int8 graph was made from this one."""
    rows: list[list[int]]
    variant: Variant
    """The mixed graph is run as this variant says."""

    @cached_property
    def pair(self) -> GraphPair:
        """Both graphs, read once."""
        return GraphPair(self.int8, self.fp32)

    @cached_property
    def reference(self) -> Logits:
        """The fp32 graph's logits of all rows."""
        return Engine(open_runtime(self.fp32, FP32)).logits(self.rows)

    def logits(self, left_out: Collection[str], rows: list[list[int]], variant: Variant) -> Logits:
        """Return the logits with some layers in floating point."""
        with tempfile.TemporaryDirectory() as folder:
            graph = Path(folder) / MIXED_GRAPH
            self.pair.write_without(left_out, graph)
            return Engine(open_runtime(graph, variant)).logits(rows)


def sensitivities(mixing: Mixing) -> list[Sensitivity]:
    """Measure each layer's part in the logits' error, on the first MEASURED_ROWS rows of the commonest lengths.

    The layer alone is int8: its error stands out from nothing else's, where leaving it out of many would drown in them.
    It takes a graph's compilation and a pass over the rows for each layer.
    """
    layers, sizes = quantised_layers(mixing.int8), weights_of_layers(mixing.int8)
    measured = _measured(mixing.rows)
    rows, reference = [mixing.rows[number] for number in measured], mixing.reference[measured]

    def error(alone: str) -> float:
        found = mixing.logits([layer for layer in layers if layer != alone], rows, INT8_IN_F32)
        return float(np.sqrt(np.mean((found - reference) ** 2)))

    return [Sensitivity(layer, error(layer), sizes[layer]) for layer in layers]


def _measured(rows: list[list[int]]) -> list[int]:
    counted = Counter(len(row) for row in rows).most_common(MEASURED_LENGTHS)
    common = {length for length, _ in counted}
    return [number for number, row in enumerate(rows) if len(row) in common][:MEASURED_ROWS]


def costliest_first(measured: list[Sensitivity]) -> list[str]:
    """Return the layers by squared error a weight: time goes with weights, and errors of layers add up in squares."""
    return [one.layer for one in sorted(measured, key=lambda one: -(one.error**2) / max(one.weights, 1))]


def build_mixed_int8(mixing: Mixing, is_enough: Callable[[Logits, Logits], bool], target: Path) -> list[str]:
    """Write the graph with as few layers in floating point as the ranking needs, and return those.

    Layers go out in the order of costliest_first. Mostly few must, so that 0, 1, 2, 4, ... of them are tried, then what
    lies between the last two, by halving; each on all rows.

    Args:
        mixing: The int8 graph, with Quantize/Dequantize pairs.
        is_enough: Whether the ranking is kept, from the fp32 graph's logits and the mixed graph's.
        target: The file to write.

    Raises:
        ParityError: the ranking is lost even with one layer in int8.
    """
    order = costliest_first(sensitivities(mixing))

    def are_enough(count: int) -> bool:
        return is_enough(mixing.reference, mixing.logits(order[:count], mixing.rows, mixing.variant))

    most = _least(are_enough, len(order))
    if most == len(order):
        raise ParityError(
            f"the ranking of {len(mixing.rows)} texts set apart is lost with any of the {len(order)} layers in int8"
        )
    mixing.pair.write_without(order[:most], target)
    return order[:most]


def _least(are_enough: Callable[[int], bool], all_of_them: int) -> int:
    """Return the least count that is enough, tried from below in growing steps; all of them are without a trial."""
    least, most = 0, 0
    while most < all_of_them and not are_enough(most):
        least, most = most + 1, min(all_of_them, max(1, 2 * most))
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if are_enough(middle) else (middle + 1, most)
    return most

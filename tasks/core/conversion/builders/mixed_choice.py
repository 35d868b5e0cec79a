"""Which layers mixed int8 leaves out: the costliest for their time, as few as the ranking needs."""

import tempfile
from bisect import bisect_left
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import ParityError
from tasks.core.base.naming.file_names import MIXED_GRAPH
from tasks.core.conversion.builders.mixed_int8 import GraphPair, quantised_layers, weights_of_layers
from tasks.core.engines.loading import Engine
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import FP32, Variant

Logits = NDArray[np.float32]


class Ranking(IntEnum):
    """What becomes of the ranking of some texts."""

    LOST = 0
    NEAR_A_LIMIT = 1
    """It is kept, but other texts could show that it is not."""
    KEPT = 2


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
    errors: dict[str, float]
    """The logits have such an error when a layer alone is int8, by the checkpoint's name for it."""

    @cached_property
    def pair(self) -> GraphPair:
        """Both graphs, read once."""
        return GraphPair(self.int8, self.fp32)

    @cached_property
    def reference(self) -> Logits:
        """The fp32 graph's logits of all rows."""
        return Engine(open_runtime(self.fp32, FP32)).logits(self.rows)

    def logits(self, left_out: Collection[str]) -> Logits:
        """Return the logits of all rows with some layers in floating point."""
        with tempfile.TemporaryDirectory() as folder:
            graph = Path(folder) / MIXED_GRAPH
            self.pair.write_without(left_out, graph)
            return Engine(open_runtime(graph, self.variant)).logits(self.rows)


def sensitivities(mixing: Mixing) -> list[Sensitivity]:
    """Return each layer's part in the logits' error, as it was measured when the int8 graph was made.

    Raises:
        ParityError: a layer of the graph was not measured, or under another name.
    """
    measured = {name.replace(".", "/"): error for name, error in mixing.errors.items()}
    layers, sizes = quantised_layers(mixing.int8), weights_of_layers(mixing.int8)
    found = {layer: [name for name in measured if f"/{name}/" in layer.replace(".", "/")] for layer in layers}
    if unknown := [layer for layer, names in found.items() if len(names) != 1]:
        raise ParityError(f"{mixing.int8} has layers whose error was not measured: {unknown}, of {sorted(measured)}")
    return [Sensitivity(layer, measured[names[0]], sizes[layer]) for layer, names in found.items()]


def costliest_first(measured: list[Sensitivity]) -> list[str]:
    """Return the layers by squared error a weight: time goes with weights, and errors of layers add up in squares."""
    return [one.layer for one in sorted(measured, key=lambda one: -(one.error**2) / max(one.weights, 1))]


def build_mixed_int8(mixing: Mixing, ranking_of: Callable[[Logits, Logits], Ranking], target: Path) -> list[str]:
    """Write the graph with as few layers in floating point as the ranking needs, and return those.

    Layers go out in the order of costliest_first. Some must, since plain int8 has failed; how many is found by halving,
    each trial on all rows. Where no mixture keeps the ranking well, as where the floating point is bf16 and moves texts
    itself, one that keeps it near a limit is taken.

    Args:
        mixing: The int8 graph, with Quantize/Dequantize pairs.
        ranking_of: What becomes of the ranking, from the fp32 graph's logits and the mixed graph's.
        target: The file to write.

    Raises:
        ParityError: the ranking is lost even with one layer in int8.
    """
    order = costliest_first(sensitivities(mixing))
    count = _fewest(lambda count: ranking_of(mixing.reference, mixing.logits(order[:count])), len(order))
    if count == len(order):
        raise ParityError(
            f"the ranking of {len(mixing.rows)} texts set apart is lost with any of the {len(order)} layers in int8"
        )
    mixing.pair.write_without(order[:count], target)
    return order[:count]


def _fewest(ranking: Callable[[int], Ranking], all_of_them: int) -> int:
    """Return how many layers go out so that the ranking is kept; else so that it is near a limit; else all of them."""
    known, counts = cache(ranking), range(1, all_of_them)
    kept = bisect_left(counts, Ranking.KEPT, key=known)
    near = bisect_left(counts, Ranking.NEAR_A_LIMIT, key=known) if kept == len(counts) else kept
    return 1 + near

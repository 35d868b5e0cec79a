"""ONNX Runtime's own int8: dynamic, with ranges of activations taken from each batch, and static, with fixed ones."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from tasks.core.conversion.builders.export import INPUTS
from tasks.core.conversion.builders.token_arrays import Batch, equal_length_batches

CALIBRATION_TOKENS = 512


def build_dynamic_int8(fp32: Path, target: Path) -> None:
    """Write the graph with int8 weights, one scale an output channel; activations get theirs at run time.

    The scale covers a whole batch, so that a text's logits depend on its neighbours; the gate measures by how much.
    """
    with _quiet():
        quantize_dynamic(fp32, target, weight_type=QuantType.QInt8, per_channel=True)


def build_static_int8(fp32: Path, calibration: list[list[int]], target: Path) -> None:
    """Write the graph with int8 weights and with activations of ranges fixed on `calibration` token rows (QDQ).

    Only products with weights are quantised, their inputs between the extremes seen.

    Raises:
        InputDataError: there are no calibration rows.
    """
    batches = equal_length_batches(calibration, CALIBRATION_TOKENS)
    with _quiet():
        quantize_static(
            fp32,
            target,
            _Reader(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=products_of_activations(fp32),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def products_of_activations(fp32: Path) -> list[str]:
    """Return the names of the products that hold no weights: queries with keys, attention with values."""
    graph = onnx.load(fp32).graph
    weights = {tensor.name for tensor in graph.initializer}
    return [node.name for node in graph.node if node.op_type == "MatMul" and not weights & set(node.input)]


class _Reader(CalibrationDataReader):
    """Hands the calibration batches out one by one, as ONNX Runtime asks for them."""

    def __init__(self, batches: list[Batch]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.int64]] | None:
        """Return the next batch by the names of the graph's inputs, or None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else dict(zip(INPUTS, batch, strict=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the advice to optimise graphs before quantising: fusing attention breaks it."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)

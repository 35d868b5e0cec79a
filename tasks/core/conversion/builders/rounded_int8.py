"""Static int8 that is rounded well and taught nothing: OpenVINO's plain int8, and what mixed int8 starts from.

The file stays ONNX, with Quantize/Dequantize pairs; OpenVINO turns them into int8 kernels, and ONNX Runtime can run
it too. Embeddings, the head and attention's own products stay in floating point: they take little time.
"""

from pathlib import Path

import torch

from tasks.core.conversion.builders.export import export_onnx, load_checkpoint
from tasks.core.conversion.builders.int8_layers import groups_of_one_input, quantise
from tasks.core.conversion.builders.integer_weights import store_integers
from tasks.core.conversion.builders.layer_errors import layer_errors
from tasks.core.conversion.builders.token_arrays import equal_length_batches

CALIBRATION_TOKENS = 1_024
MEASURED_BATCHES = 4
"""Each layer's error is measured on so many of the calibration's batches, spread over the lengths."""


def build_rounded_int8(checkpoint: Path, calibration: list[list[int]], seed: int, target: Path) -> dict[str, float]:
    """Write the checkpoint's graph with its encoder's linear layers in static int8; return what each layer costs.

    That is the logits' error when it alone is rounded, by the name that the checkpoint has for it: see layer_errors.py.

    The same arguments give the same file on the same machine, threads and library versions.

    Args:
        checkpoint: Folder of the checkpoint.
        calibration: Token rows on which ranges are fixed and weights are rounded; they need no labels.
        seed: Fixes which tokens' inputs are kept.
        target: The file to write.

    Raises:
        InputDataError: there are no rows.
    """
    model, batches = load_checkpoint(checkpoint), equal_length_batches(calibration, CALIBRATION_TOKENS)
    rounded = quantise(model, batches, seed)
    export_onnx(rounded, target)
    store_integers(target)
    with torch.no_grad():
        groups = groups_of_one_input(model, batches[0])
    return layer_errors(model, rounded, groups, batches[:: -(-len(batches) // MEASURED_BATCHES)], seed)

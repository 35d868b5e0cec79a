"""Static int8 for OpenVINO: NNCF calibrates the ONNX graph after training and writes Quantize/Dequantize pairs.

The file stays ONNX; OpenVINO turns the pairs into int8 kernels, and ONNX Runtime can run it too.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx

from tasks.core.conversion.builders.export import INPUTS
from tasks.core.conversion.builders.onnx_int8 import products_of_activations
from tasks.core.conversion.builders.token_arrays import equal_length_batches

CALIBRATION_TOKENS = 512
SMOOTHING = 0.8
"""Outliers move into weights so far. On a fine-tuned MiniLM, NNCF's own 0.95, with attention's products in int8 too,
gave 1.5 times the logits' error."""
KEPT_TYPES = ["Gather", "Gemm"]
"""These operations stay in floating point: embeddings and the classification head."""


def import_nncf() -> Any:
    """Import NNCF as every caller has to: it would else report its use over the network."""
    os.environ["NNCF_CI"] = "1"
    import nncf  # noqa: PLC0415 - seconds to import, and the variable has to be set first

    return nncf


def build_openvino_int8(fp32: Path, calibration: list[list[int]], target: Path) -> None:
    """Write the graph with int8 weights, one scale an output channel, and ranges fixed on `calibration` token rows.

    Smooth quantisation moves the outliers of activations into weights (Xiao et al., 2023, SmoothQuant). Fast bias
    correction removes the mean error of each layer. Embeddings, the head and attention's own products stay in floating
    point: they take little time.

    Raises:
        InputDataError: there are no calibration rows.
    """
    batches = [dict(zip(INPUTS, batch, strict=True)) for batch in equal_length_batches(calibration, CALIBRATION_TOKENS)]
    nncf = import_nncf()
    with _quiet():
        quantised = nncf.quantize(
            onnx.load(fp32),
            nncf.Dataset(batches),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(batches),
            ignored_scope=nncf.IgnoredScope(types=KEPT_TYPES, names=products_of_activations(fp32), validate=False),
            advanced_parameters=_smoothing(),
        )
    onnx.save(quantised, target)


def _smoothing() -> Any:
    """Return NNCF's parameters with our smoothing exponent; those for convolutions stay switched off."""
    from nncf.quantization import advanced_parameters as advanced  # noqa: PLC0415 - see import_nncf

    alphas = advanced.AdvancedSmoothQuantParameters(convolution=-1, matmul=SMOOTHING)
    return advanced.AdvancedQuantizationParameters(smooth_quant_alphas=alphas)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep NNCF's progress bars and log out of the flow's."""
    from nncf.common.logging import track_progress  # noqa: PLC0415 - see import_nncf

    logger = logging.getLogger("nncf")
    level, bars = logger.level, track_progress.track.__init__
    logger.setLevel(logging.ERROR)

    def hidden(self: Any, *arguments: Any, **options: Any) -> None:
        bars(self, *arguments, **options)
        if self.progress is not None:
            self.progress.disable = True

    track_progress.track.__init__ = hidden
    try:
        yield
    finally:
        track_progress.track.__init__ = bars
        logger.setLevel(level)

"""The graph for GPUs: attention, normalisation and GELU fused into single kernels, numbers in float16."""

import json
import logging
from pathlib import Path
from typing import Any

from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.naming.library_names import CONFIG_FILE

HEADS_AND_WIDTH = (("num_attention_heads", "hidden_size"), ("n_heads", "dim"))
"""BERT's relatives call the number of heads and the width by the first pair of names, DistilBERT by the second."""


def build_cuda_fp16(fp32: Path, checkpoint: Path, target: Path) -> None:
    """Write the fused float16 graph of the exported `fp32`; its inputs stay int64, its logits float32.

    The fusions know attention as the exporter by tracing writes eager attention; another export stays un-fused.

    Raises:
        ModelFolderError: the checkpoint's config.json does not say how many attention heads there are.
    """
    heads, width = _heads_and_width(checkpoint)
    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False  # its kernel takes int32 ids only
    logger = logging.getLogger("onnxruntime.transformers")
    before, logger.disabled = logger.disabled, True
    try:
        model = optimizer.optimize_model(
            str(fp32), "bert", heads, width, optimization_options=options, opt_level=0, use_gpu=True
        )
        model.convert_float_to_float16(keep_io_types=True)
    finally:
        logger.disabled = before
    model.save_model_to_file(str(target))


def _heads_and_width(checkpoint: Path) -> tuple[int, int]:
    """Return the number of attention heads and the hidden size."""
    config: dict[str, Any] = json.loads((checkpoint / CONFIG_FILE).read_text(encoding="utf-8"))
    for heads, width in HEADS_AND_WIDTH:
        if heads in config and width in config:
            return int(config[heads]), int(config[width])
    known = " or ".join(" and ".join(names) for names in HEADS_AND_WIDTH)
    raise ModelFolderError(
        f"{checkpoint / CONFIG_FILE} holds neither {known}; leave the fp16 variant out of the round for this model"
    )

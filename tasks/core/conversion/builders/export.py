"""Checkpoint -> ONNX graph, un-fused: fusing attention gains nothing on a CPU and breaks dynamic quantisation."""

import warnings
from pathlib import Path

import torch
from transformers import PreTrainedModel

from tasks.core.training.base_models.load_base import load_finished_classifier

OPSET = 17
INPUTS = ("input_ids", "attention_mask")


class _Logits(torch.nn.Module):
    """The classifier with its logits as only output; token types are all zero, as for single texts."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def load_checkpoint(checkpoint: Path) -> PreTrainedModel:
    """Load a checkpoint, nothing of it new; dropout left on would look like an engine's error.

    Raises:
        ModelFolderError: it lacks weights, or has others.
    """
    model: PreTrainedModel = load_finished_classifier(checkpoint)
    return model


def export_onnx(model: PreTrainedModel, path: Path) -> None:
    """Write `model` as ONNX: int64 `input_ids`, `attention_mask` (batch, tokens), float32 `logits` (batch, classes)."""
    wrapper = _Logits(model).eval()
    example = torch.ones((2, 8), dtype=torch.int64)
    axes = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings(), torch.inference_mode():
        # The exporter by tracing is deprecated, but the newer one's graphs do not quantise.
        warnings.filterwarnings("ignore")
        torch.onnx.export(
            wrapper,
            (example, example),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_axes=dict.fromkeys(INPUTS, axes) | {"logits": {0: "batch"}},
        )
    model.eval()

"""A classifier whose encoder rounds to int8 as the exported graph will; attention's own products stay as they are.

At a text's length those take no time worth saving.
"""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from tasks.core.conversion.builders.int8_rounding import Rounding, best_rounding, round_in_turn, weight_steps
from tasks.core.conversion.builders.token_arrays import Batch

KEPT_TOKENS = 4_096
"""Each layer's input is kept for about so many of the calibration's tokens."""


class Int8Linear(nn.Module):
    """A linear layer that rounds its input and its weights to int8."""

    scale: Tensor
    shift: Tensor
    steps: Tensor
    zeros: Tensor

    def __init__(self, rounding: Rounding, weight: Tensor, bias: Tensor, steps: Tensor) -> None:
        super().__init__()
        self.step = rounding.step
        # In the checkpoint's units: scaled ones differ by orders of magnitude, and an optimiser step would not.
        self.weight, self.bias = nn.Parameter(weight / rounding.scale), nn.Parameter(bias)
        self.register_buffer("scale", rounding.scale)
        self.register_buffer("shift", -rounding.centre / rounding.scale)
        self.register_buffer("steps", steps)
        self.register_buffer("zeros", torch.zeros(len(weight), dtype=torch.int32))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (..., outputs) of inputs of shape (..., channels)."""
        inputs = inputs * (1 / self.scale) + self.shift
        inputs = torch.fake_quantize_per_tensor_affine(inputs, self.step, 0, -128, 127)
        weight = self.weight * self.scale
        weight = torch.fake_quantize_per_channel_affine(weight, self.steps, self.zeros, 0, -128, 127)
        return functional.linear(inputs, weight, self.bias)


def quantise(teacher: PreTrainedModel, batches: list[Batch], seed: int) -> PreTrainedModel:
    """Return a copy of a classifier whose encoder's linear layers are Int8Linear, calibrated on `batches`."""
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        kept = _layer_inputs(teacher, batches, seed)
        for names, inputs in kept:
            layers = [teacher.get_submodule(name) for name in names]
            weight, bias = (torch.cat([getattr(layer, part) for layer in layers]) for part in ("weight", "bias"))
            rounding = best_rounding(inputs, weight)
            smooth = weight * rounding.scale
            rounded_inputs = rounding.rounded(inputs)
            rounded = round_in_turn(smooth, rounded_inputs.T @ rounded_inputs)
            bias = bias + (inputs @ weight.T - rounded_inputs @ rounded.T).mean(0)
            for name, (start, end) in zip(names, _spans(layers), strict=True):
                parent, _, own = name.rpartition(".")
                part = slice(start, end)
                steps = weight_steps(smooth[part])
                layer = Int8Linear(rounding, rounded[part].clone(), bias[part].clone(), steps)
                setattr(student.get_submodule(parent), own, layer)
    return student


def _layer_inputs(model: nn.Module, batches: list[Batch], seed: int) -> list[tuple[list[str], Tensor]]:
    """Return the encoder's linear layers, those of one input together, and some tokens' inputs (tokens, channels)."""
    groups = groups_of_one_input(model, batches[0])
    tokens = sum(ids.size for ids, _ in batches)
    draw = np.random.default_rng(seed)
    kept: list[list[Tensor]] = [[] for _ in groups]
    chosen = torch.empty(0)

    def keep(number: int, inputs: tuple[Tensor, ...]) -> None:
        kept[number].append(inputs[0].flatten(0, 1)[chosen])

    hooks = [
        model.get_submodule(names[0]).register_forward_pre_hook(lambda _, inputs, number=number: keep(number, inputs))
        for number, names in enumerate(groups)
    ]
    for ids, mask in batches:
        chosen = torch.from_numpy(draw.random(ids.size) < KEPT_TOKENS / tokens)
        model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
    for hook in hooks:
        hook.remove()
    return [(names, torch.cat(parts)) for names, parts in zip(groups, kept, strict=True)]


def groups_of_one_input(model: nn.Module, batch: Batch) -> list[list[str]]:
    """Return the names of the linear layers that read every token: the encoder's, not the head's."""
    groups: dict[int, list[str]] = {}
    seen: list[Tensor] = []  # alive, so that no other tensor gets the same id

    def note(name: str, inputs: tuple[Tensor, ...]) -> None:
        if inputs[0].ndim == 3:
            seen.append(inputs[0])
            groups.setdefault(id(inputs[0]), []).append(name)

    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs))
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear)
    ]
    model(input_ids=torch.from_numpy(batch[0]), attention_mask=torch.from_numpy(batch[1]))
    for hook in hooks:
        hook.remove()
    return list(groups.values())


def _spans(layers: list[Any]) -> list[tuple[int, int]]:
    ends = np.cumsum([layer.out_features for layer in layers]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))

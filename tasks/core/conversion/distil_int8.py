"""Static int8 that is taught: a checkpoint whose layers round as int8 will, imitating its own fp32 logits.

1. Each encoder layer's input is centred and scaled by channel before it is rounded, so that outlying channels do not
   take the range of all others; weights and biases undo it (Xiao et al., 2023, SmoothQuant; Wei et al., 2023, Outlier
   Suppression+). How far channels are brought to one range is what leaves the least error in the layer's output. The
   range reaches to the largest value: cut ranges have a smaller error on average, and rank worse.
2. Weights are rounded one input channel after the other, the rest making up for the error (Frantar et al., 2023, GPTQ).
3. Weights then learn the fp32 model's logits and hidden states with the rounding in place (straight-through gradients).

Attention's own products stay in floating point: at a text's length they take no time worth saving.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from tasks.core.conversion.batches import Batch, equal_length_batches
from tasks.core.conversion.export import export_onnx, load_checkpoint

CALIBRATION_TOKENS = 1_024
KEPT_TOKENS = 4_096
"""Of the calibration's tokens, so many are kept of each layer's input."""
SEARCHED_TOKENS, SEARCHED_OUTPUTS = 1_024, 256
"""So many of them, and so many of a layer's outputs, decide its range."""
EXPONENTS = (0.0, 0.5, 0.65, 0.8, 0.9)
"""How far channels are brought to one range: 0 not at all, 1 wholly."""
DAMPING = 0.01
BLOCK = 128
BATCH_TOKENS = 1_024
LEARNING_RATE = 5e-6
WARM_UP_STEPS = 10
HIDDEN_WEIGHT = 10.0
"""Of the hidden states' relative squared error, beside the logits' squared error."""
TINY = 1e-8


def build_distilled_int8(
    checkpoint: Path, calibration: list[list[int]], rows: list[list[int]], steps: int, seed: int, target: Path
) -> None:
    """Write the checkpoint's graph with static int8 that imitates its fp32 logits.

    The same arguments give the same file on the same machine, threads and library versions.

    Args:
        checkpoint: Folder of the checkpoint.
        calibration: Token rows on which ranges are fixed.
        rows: Token rows on which it learns; needs no labels.
        steps: Optimiser steps of BATCH_TOKENS tokens; 0: only the rounding after training.
        seed: Fixes the choice of tokens and the order of the batches.
        target: The file to write.

    Raises:
        InputDataError: there are no rows.
    """
    teacher = load_checkpoint(checkpoint)
    student = quantise(teacher, equal_length_batches(calibration, CALIBRATION_TOKENS), seed)
    if steps:
        distil(teacher, student, equal_length_batches(rows, BATCH_TOKENS), steps, seed)
    export_onnx(student, target)
    _store_integers(target)


class Int8Linear(nn.Module):
    """A linear layer that rounds its input and its weights to int8."""

    scale: Tensor
    shift: Tensor
    steps: Tensor
    zeros: Tensor

    def __init__(self, rounding: "Rounding", weight: Tensor, bias: Tensor, steps: Tensor) -> None:
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


@dataclass(frozen=True)
class Rounding:
    """How a layer's input becomes int8: (input - centre) / scale, in steps."""

    centre: Tensor
    scale: Tensor
    step: float

    def spread(self, inputs: Tensor) -> Tensor:
        """Return centred and scaled inputs."""
        return (inputs - self.centre) / self.scale

    def rounded(self, inputs: Tensor) -> Tensor:
        """Return the same, rounded."""
        return (self.spread(inputs) / self.step).round().clamp(-128, 127) * self.step


def quantise(teacher: PreTrainedModel, batches: list[Batch], seed: int) -> PreTrainedModel:
    """Return a copy of a classifier whose encoder's linear layers are Int8Linear, calibrated on `batches`."""
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        kept = _layer_inputs(teacher, batches, seed)
        for names, inputs in kept:
            layers = [teacher.get_submodule(name) for name in names]
            weight, bias = (torch.cat([getattr(layer, part) for layer in layers]) for part in ("weight", "bias"))
            rounding = _best_rounding(inputs, weight)
            smooth = weight * rounding.scale
            rounded_inputs = rounding.rounded(inputs)
            rounded = _round_in_turn(smooth, rounded_inputs.T @ rounded_inputs)
            bias = bias + (inputs @ weight.T - rounded_inputs @ rounded.T).mean(0)
            for name, (start, end) in zip(names, _spans(layers), strict=True):
                parent, _, own = name.rpartition(".")
                part = slice(start, end)
                steps = _weight_steps(smooth[part])
                layer = Int8Linear(rounding, rounded[part].clone(), bias[part].clone(), steps)
                setattr(student.get_submodule(parent), own, layer)
    return student


def distil(teacher: PreTrainedModel, student: PreTrainedModel, batches: list[Batch], steps: int, seed: int) -> None:
    """Teach `student` the logits and hidden states of `teacher`, in place; embeddings stay as they are."""
    learning = [weight for name, weight in student.named_parameters() if "embeddings" not in name]
    optimiser = torch.optim.AdamW(learning, lr=LEARNING_RATE, weight_decay=0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / WARM_UP_STEPS) * max(0.02, 1 - step / steps)
    )
    draw = np.random.default_rng(seed)
    order = np.concatenate([draw.permutation(len(batches)) for _ in range(-(-steps // len(batches)))])
    for number in order[:steps]:
        loss = _difference(teacher, student, batches[number])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _difference(teacher: PreTrainedModel, student: PreTrainedModel, batch: Batch) -> Tensor:
    """Return the squared error of the logits, and of the hidden states relative to their variance."""
    ids, mask = (torch.from_numpy(part) for part in batch)
    with torch.no_grad():
        wanted = teacher(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    found = student(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    pairs = list(zip(found.hidden_states[1:], wanted.hidden_states[1:], strict=True))
    hidden = sum((functional.mse_loss(ours, theirs) / theirs.var() for ours, theirs in pairs), torch.zeros(()))
    return functional.mse_loss(found.logits, wanted.logits) + HIDDEN_WEIGHT * hidden / len(pairs)


def _layer_inputs(model: nn.Module, batches: list[Batch], seed: int) -> list[tuple[list[str], Tensor]]:
    """Return the encoder's linear layers, those of one input together, and some tokens' inputs (tokens, channels)."""
    groups = _groups_of_one_input(model, batches[0])
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


def _groups_of_one_input(model: nn.Module, batch: Batch) -> list[list[str]]:
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


def _best_rounding(inputs: Tensor, weight: Tensor) -> Rounding:
    """Return the rounding of `inputs` (tokens, channels) that changes the outputs of `weight` least."""
    low, high = inputs.amin(0), inputs.amax(0)
    centre, radius = (low + high) / 2, ((high - low) / 2).clamp(min=TINY)
    reach = weight.abs().amax(0).clamp(min=TINY)
    some, outputs = inputs[:: -(-len(inputs) // SEARCHED_TOKENS)], weight[:: -(-len(weight) // SEARCHED_OUTPUTS)]
    wanted = (some - centre) @ outputs.T
    found = []
    for exponent in EXPONENTS:
        scale = radius**exponent / reach ** (1 - exponent) if exponent else torch.ones_like(radius)
        scale = scale / scale.mean()
        largest = float((radius / scale).max())
        rounded = _round(outputs * scale, _weight_steps(outputs * scale))
        rounding = Rounding(centre, scale, largest / 127)
        found.append((float((rounding.rounded(some) @ rounded.T - wanted).square().mean()), rounding))
    return min(found, key=lambda pair: pair[0])[1]


def _weight_steps(weight: Tensor) -> Tensor:
    return weight.detach().abs().amax(1).clamp(min=TINY) / 127


def _round(weight: Tensor, steps: Tensor) -> Tensor:
    return (weight / steps[:, None]).round().clamp(-127, 127) * steps[:, None]


def _round_in_turn(weight: Tensor, products: Tensor) -> Tensor:
    """Round `weight` (outputs, channels) channel by channel, given the inputs' products (channels, channels)."""
    steps = _weight_steps(weight)
    order = products.diag().argsort(descending=True, stable=True)
    left = weight[:, order].clone()
    inverse = _inverse_factor(products[order][:, order])
    rounded = torch.zeros_like(left)
    for start in range(0, left.shape[1], BLOCK):
        end = min(start + BLOCK, left.shape[1])
        errors = torch.zeros(len(left), end - start)
        for channel in range(start, end):
            rounded[:, channel] = _round(left[:, channel : channel + 1], steps)[:, 0]
            error = (left[:, channel] - rounded[:, channel]) / inverse[channel, channel]
            left[:, channel:end] -= error[:, None] * inverse[channel, channel:end]
            errors[:, channel - start] = error
        left[:, end:] -= errors @ inverse[start:end, end:]
    return rounded[:, order.argsort()]


def _inverse_factor(products: Tensor) -> Tensor:
    """Return the upper Cholesky factor of the inverse of `products`, damped to be invertible."""
    damped = products + torch.eye(len(products)) * products.diag().mean() * DAMPING
    factor: Tensor = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(damped)), upper=True)
    return factor


def _spans(layers: list[Any]) -> list[tuple[int, int]]:
    ends = np.cumsum([layer.out_features for layer in layers]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _store_integers(path: Path) -> None:
    """Store weights as the integers they are rounded to, and what several layers read once: smaller, the same graph."""
    model = onnx.load(path)
    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    values = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    for node in [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in stored]:
        weight, steps = (numpy_helper.to_array((stored | values)[name]) for name in node.input[:2])
        integers = np.clip(np.rint(weight / steps[:, None]), -128, 127).astype(np.int8)
        graph.initializer.append(numpy_helper.from_array(integers, node.output[0]))
        graph.initializer.remove(stored[node.input[0]])
        graph.node.remove(node)
    _merge_equals(graph)
    onnx.save(model, path)


def _merge_equals(graph: Any) -> None:
    """Merge constants of equal value and then nodes of equal inputs: query, key and value round the same tensor."""
    first: dict[bytes, str] = {}
    names: dict[str, str] = {}
    for tensor in list(graph.initializer):
        content = tensor.raw_data + repr((tensor.data_type, list(tensor.dims))).encode()
        if first.setdefault(content, tensor.name) != tensor.name:
            names[tensor.name] = first[content]
            graph.initializer.remove(tensor)
    for node in list(graph.node):
        node.input[:] = [names.get(name, name) for name in node.input]
        if node.op_type == "Identity" and node.output[0] not in {output.name for output in graph.output}:
            names[node.output[0]] = node.input[0]
            graph.node.remove(node)
            continue
        content = repr((node.op_type, list(node.input), [str(one) for one in node.attribute])).encode()
        if first.setdefault(content, node.output[0]) != node.output[0]:
            names[node.output[0]] = first[content]
            graph.node.remove(node)

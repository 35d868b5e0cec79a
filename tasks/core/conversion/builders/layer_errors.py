"""What each layer's rounding to int8 costs the logits, to first order: one pass forward and one back for all layers.

A layer's rounded output differs from the checkpoint's by so much; the logits' gradient with respect to that output says
what the difference does to them: the first term of their Taylor series.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tasks.core.conversion.builders.token_arrays import Batch


def layer_errors(
    teacher: PreTrainedModel, student: PreTrainedModel, groups: list[list[str]], batches: Iterable[Batch], seed: int
) -> dict[str, float]:
    """Return the root mean square error of the logits when one layer alone is rounded, by the name of the layer.

    Args:
        teacher: The checkpoint.
        student: The same with rounded layers.
        groups: Names of the rounded layers, those that read one input together; a group is known by its first.
        batches: Texts to measure on.
        seed: Fixes random signs: an even mixture of the logits has the mean of their squared errors.
    """
    names = [name for group in groups for name in group]
    squares, count = dict.fromkeys((group[0] for group in groups), 0.0), 0
    generator = torch.Generator().manual_seed(seed)
    for ids, mask in batches:
        given, made, logits = _passed(teacher, names, ids, mask)
        signs = torch.randint(0, 2, logits.shape, generator=generator) * 2.0 - 1.0
        slopes = torch.autograd.grad((logits * signs).sum(), [made[name] for name in names])
        effects = _effects(student, dict(zip(names, slopes, strict=True)), given, made)
        for group in groups:
            squares[group[0]] += float(sum((effects[name] for name in group), torch.zeros(())).square().sum())
        count += logits.numel()
    return {name: (total / count) ** 0.5 for name, total in squares.items()}


def _passed(
    model: PreTrainedModel, names: list[str], ids: Any, mask: Any
) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Return what the layers of these names are given and make of a batch, and the logits."""
    given: dict[str, Tensor] = {}
    made: dict[str, Tensor] = {}

    def keep(name: str, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        given[name], made[name] = inputs[0].detach(), output

    hooks = [
        model.get_submodule(name).register_forward_hook(lambda _, i, o, name=name: keep(name, i, o)) for name in names
    ]
    logits: Tensor = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits
    for hook in hooks:
        hook.remove()
    return given, made, logits


def _effects(
    student: nn.Module, slopes: dict[str, Tensor], given: dict[str, Tensor], made: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Return what each layer's rounding does to the mixture of a text's logits, of shape (texts,), by its name."""
    with torch.no_grad():
        return {
            name: (slope * (student.get_submodule(name)(given[name]) - made[name])).flatten(1).sum(1)
            for name, slope in slopes.items()
        }

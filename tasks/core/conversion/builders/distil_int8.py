"""Static int8 that is taught: a checkpoint whose layers round as int8 will, imitating its own fp32 logits.

Ranges and weights are first rounded as in rounded_int8.py; then weights learn the fp32 model's logits and hidden
states with the rounding in place (straight-through gradients).
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from tasks.core.conversion.builders.export import export_onnx, load_checkpoint
from tasks.core.conversion.builders.int8_layers import quantise
from tasks.core.conversion.builders.integer_weights import store_integers
from tasks.core.conversion.builders.rounded_int8 import CALIBRATION_TOKENS
from tasks.core.conversion.builders.token_arrays import Batch, equal_length_batches

BATCH_TOKENS = 1_024
LEARNING_RATE = 5e-6
WARM_UP_STEPS = 10
HIDDEN_WEIGHT = 10.0
"""The hidden states' relative squared error counts so many times as much as the logits' squared error."""


def build_distilled_int8(
    checkpoint: Path, calibration: list[list[int]], rows: list[list[int]], steps: int, seed: int, target: Path
) -> None:
    """Write the checkpoint's graph with static int8 that imitates its fp32 logits.

    The same arguments give the same file on the same machine, threads and library versions.

    Args:
        checkpoint: Folder of the checkpoint.
        calibration: Token rows on which ranges are fixed.
        rows: Token rows on which it learns; needs no labels.
        steps: Optimiser steps of BATCH_TOKENS tokens.
        seed: Fixes the choice of tokens and the order of the batches.
        target: The file to write.

    Raises:
        InputDataError: there are no rows.
    """
    teacher = load_checkpoint(checkpoint)
    student = quantise(teacher, equal_length_batches(calibration, CALIBRATION_TOKENS), seed)
    distil(teacher, student, equal_length_batches(rows, BATCH_TOKENS), steps, seed)
    export_onnx(student, target)
    store_integers(target)


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

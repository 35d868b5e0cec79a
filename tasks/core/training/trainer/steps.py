"""How many steps a training has, after which it is evaluated, and what the evaluations gave; imports no torch."""

from collections.abc import Callable
from math import ceil
from typing import Any

from tasks.core.round.training_section import Training

Report = Callable[[int, dict[str, float]], None]
"""It is called with an evaluation's number, from 1 on, and its figures."""
Pace = Callable[[int, int], None]
"""It is called after an optimiser step with the steps that are done and those of the whole training."""
TIMINGS = ("_runtime", "_per_second")


def total_steps(training: Training, train_rows: int) -> int:
    """Return the optimiser steps of a whole training."""
    return ceil(train_rows / training.batch_size) * training.epochs


def evaluation_steps(training: Training, steps: int) -> set[int]:
    """Return the steps after which training is evaluated: evenly spaced, the last one at the end."""
    count = training.epochs * training.evaluations_per_epoch
    return {max(1, round(steps * number / count)) for number in range(1, count + 1)}


def evaluations_of(state: Any) -> list[dict[str, float]]:
    """Return the validation figures and the training loss of each evaluation in a Trainer's state."""
    evaluations, loss = [], {}
    for entry in state.log_history:
        if "loss" in entry:
            loss = {"train_loss": float(entry["loss"])}
        if any(name.startswith("eval_") for name in entry):
            figures = {
                name.replace("eval_", "validation_", 1): float(value)
                for name, value in entry.items()
                if name.startswith("eval_") and not name.endswith(TIMINGS)
            }
            evaluations.append(figures | loss | {"epoch": float(entry["epoch"]), "step": float(entry["step"])})
    return evaluations

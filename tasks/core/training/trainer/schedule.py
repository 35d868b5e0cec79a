"""When training is evaluated and its checkpoint kept, where it stops, and who hears of it."""

from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from tasks.core.base.naming import checkpoint_folder
from tasks.core.round.training_section import Training
from tasks.core.training.trainer.workspace import mark_whole

Report = Callable[[int, dict[str, float]], None]
"""It is called with an evaluation's number, from 1 on, and its figures."""
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


class EvaluationSchedule(TrainerCallback):
    """Evaluates and saves after chosen steps, marks what is saved as whole, and ends training at a step."""

    def __init__(self, steps: set[int], stop_at_step: int) -> None:
        self._steps = steps | {stop_at_step}
        self._stop_at_step = stop_at_step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:  # noqa: ARG002
        """Ask for what the step is due."""
        due = state.global_step in self._steps
        control.should_log = control.should_evaluate = control.should_save = due
        if state.global_step >= self._stop_at_step:
            control.should_training_stop = True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Let the checkpoint count."""
        mark_whole(Path(args.output_dir) / checkpoint_folder(state.global_step))


class EvaluationReport(TrainerCallback):
    """Hands on the figures of every evaluation, those before a resumed checkpoint first."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._reported = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Report what a resumed checkpoint brings along."""
        self._hand_on(state)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Report the evaluation."""
        self._hand_on(state)

    def _hand_on(self, state: Any) -> None:
        evaluations = evaluations_of(state)
        for number in range(self._reported, len(evaluations)):
            self._report(number + 1, evaluations[number])
        self._reported = len(evaluations)

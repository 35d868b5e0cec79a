"""When training is evaluated and its checkpoint kept, where it stops, and who hears of it."""

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from tasks.core.base.naming.library_names import checkpoint_folder
from tasks.core.training.trainer.steps import Pace, Report, evaluations_of
from tasks.core.training.trainer.workspace import mark_whole


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


class PaceReport(TrainerCallback):
    """Hands on how many steps are done."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Report the step."""
        self._pace(state.global_step, state.max_steps)


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

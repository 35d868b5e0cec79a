"""What Prefect retries: passing faults, never an error that says what a person must do."""

from typing import Any

from tasks.core.errors import WinnowError

DELAYS_SECONDS: list[float] = [2, 20]


def is_passing_fault(_task: Any, _task_run: Any, state: Any) -> bool:
    """Say whether a failed task is worth another try."""
    outcome = state.result(raise_on_failure=False)
    return not isinstance(outcome, WinnowError)

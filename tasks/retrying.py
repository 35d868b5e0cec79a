"""What Prefect tries again: what may pass by itself, never an error that says what a person must do."""

from typing import Any

from tasks.core.errors import WinnowError

DELAYS_SECONDS: list[float] = [2, 20]


def is_worth_retrying(_task: Any, _task_run: Any, state: Any) -> bool:
    """Say whether a failed task is worth another try: whatever is not a WinnowError may be a passing fault."""
    outcome = state.result(raise_on_failure=False)
    return not isinstance(outcome, WinnowError)

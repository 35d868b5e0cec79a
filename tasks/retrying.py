"""What Prefect tries again: what may pass by itself, never an error that says what a person must do."""

from typing import Any

from prefect.cache_policies import NO_CACHE

from tasks.core.base.errors import WinnowError

DELAYS_SECONDS: list[float] = [2, 20]


def is_worth_retrying(_task: Any, _task_run: Any, state: Any) -> bool:
    """Say whether a failed task is worth another try: whatever is not a WinnowError may be a passing fault."""
    outcome = state.result(raise_on_failure=False)
    return not isinstance(outcome, WinnowError)


RETRIED: dict[str, Any] = {
    "retries": len(DELAYS_SECONDS),
    "retry_delay_seconds": DELAYS_SECONDS,
    "retry_condition_fn": is_worth_retrying,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""Work on a cluster has these arguments of `task`: another chance where that can help, and results in files alone."""

"""What Prefect tries again: what may pass by itself, never an error that says what a person must do."""

from typing import Any

from prefect.cache_policies import NO_CACHE

from tasks.core.base.errors import WinnowError

DELAYS_SECONDS: list[float] = [2, 20]
TELLING_DELAYS_SECONDS: list[float] = [5, 15, 30, 60, 120]
"""A tracking server that is away is waited for so long, try by try: four minutes in all."""


def is_worth_retrying(_task: Any, _task_run: Any, state: Any) -> bool:
    """Say whether a failed task is worth another try: an error may be a passing fault, unless it says otherwise."""
    outcome = state.result(raise_on_failure=False)
    return not isinstance(outcome, WinnowError) or outcome.passing


RETRIED: dict[str, Any] = {
    "retries": len(DELAYS_SECONDS),
    "retry_delay_seconds": DELAYS_SECONDS,
    "retry_condition_fn": is_worth_retrying,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""Work on a cluster has these arguments of `task`: another chance where that can help, and results in files alone."""

TOLD: dict[str, Any] = RETRIED | {
    "retries": len(TELLING_DELAYS_SECONDS),
    "retry_delay_seconds": TELLING_DELAYS_SECONDS,
}
"""What needs the tracking server has these: longer ones, for somebody may have to start it."""

"""What Prefect's flow runs are called."""

from collections.abc import Mapping
from typing import Any

from tasks.core.base.naming.round_names import MAIN_RUN, MAIN_SAMPLE

INFERENCE_FLOW, ROUND_FLOW = "inference", "round"
TOLD_PARAMETERS: Mapping[str, tuple[object, str]] = {
    "sample": (MAIN_SAMPLE, "{}"),
    "limit": (None, "{} rows"),
    "run_id": (None, "run {}"),
    "run_folder": (None, "of {}"),
    "run_folders": (None, "{} run folders"),
    "random_state": (None, "random state {}"),
    "texts_a_rank": (None, "{} texts a rank"),
    "dry_run": (False, "dry run"),
    "screened": (True, "unscreened"),
    "remake": (False, "remake"),
    "students": (False, "students"),
    "verify_anew": (False, "verified anew"),
    "force_reason": ("", "forced"),
    "approved_because": ("", "approved"),
    "cluster": (None, "on {}"),
}
"""A flow run's name says these parameters so, where they are not what is given here."""


def flow_run_title(flow: str, round_: str, asked: Mapping[str, Any]) -> str:
    """Return how a flow run is called: `us-iter0 inference main, new_samples, 1,000 rows, dry run`.

    `asked` holds its parameters, or those that are not as always. An inference says its run name; so do other flows
    where that is not the main one.
    """
    run_name = asked.get("run_name", MAIN_RUN)
    named = flow == INFERENCE_FLOW or run_name != MAIN_RUN
    called = f"{round_} {flow} {run_name}" if named else f"{round_} {flow}"
    told = [
        text.format(_as_told(asked[name]))
        for name, (usual, text) in TOLD_PARAMETERS.items()
        if asked.get(name, usual) not in (usual, None)
    ]
    return ", ".join([called, *told])


def _as_told(value: object) -> str:
    """Return a number in groups of three digits, the last part of a path, and of a list how long it is."""
    if isinstance(value, list | tuple):
        return str(len(value))
    return f"{value:,}" if isinstance(value, int) else str(value).rstrip("/").rpartition("/")[2]

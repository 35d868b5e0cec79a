"""What pages of MLflow say of a run, a version or a model to somebody who reads no code: Markdown of a few lines."""

from collections.abc import Mapping

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for

LONGEST_LINE, LONGEST_NOTE = 1_500, 5_000
"""MLflow's registry takes no longer description, and where PostgreSQL keeps it, refuses one."""


def note(said: str, lines: Mapping[str, object]) -> str:
    """Return a sentence of what it is, with a list of named lines below; one that says nothing is left out.

    A line that is too long, such as one of why many seeds failed, is cut.
    """
    named = (dict(lines) | {"Prefect": flow_link()}).items()
    listed = [f"- {name}: {_cut(' '.join(str(line).split()), LONGEST_LINE)}" for name, line in named if line]
    return _cut("\n".join([said, "", *listed]), LONGEST_NOTE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def flow_link() -> str:
    """Return a link to the flow run that a person started, or nothing outside flow runs."""
    run_id = flow_run.root_flow_run_id
    address = url_for("flow-run", obj_id=run_id) if run_id else None
    return f"[flow run]({address})" if address else ""


def code(text: object) -> str:
    """Return a text that Markdown shows as it is, such as a path or a command."""
    return f"`{text}`"

"""What pages of MLflow say of a run, a version or a model to somebody who reads no code: Markdown of a few lines."""

from collections.abc import Mapping

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for


def note(said: str, lines: Mapping[str, object]) -> str:
    """Return a sentence of what it is, with a list of named lines below; one that says nothing is left out."""
    listed = [f"- {name}: {line}" for name, line in (dict(lines) | {"Prefect": flow_link()}).items() if line]
    return "\n".join([said, "", *listed])


def flow_link() -> str:
    """Return a link to the flow run that a person started, or nothing outside flow runs."""
    run_id = flow_run.root_flow_run_id
    address = url_for("flow-run", obj_id=run_id) if run_id else None
    return f"[flow run]({address})" if address else ""


def code(text: object) -> str:
    """Return a text that Markdown shows as it is, such as a path or a command."""
    return f"`{text}`"

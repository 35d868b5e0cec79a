"""How flow runs are called in the Prefect UI."""

from pathlib import Path

from prefect.runtime import flow_run


def round_and_flow() -> str:
    """Return `us-iter0 training` for the flow run that is starting."""
    return f"{Path(flow_run.parameters['round_file']).stem} {flow_run.flow_name}"

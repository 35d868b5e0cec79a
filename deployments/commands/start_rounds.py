"""Start a flow of several rounds through their deployments, and see how it goes."""

import time
from collections.abc import Callable, Sequence
from typing import cast

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from deployments.prefect_server import named_if_away
from infra.errors import ServiceError
from tasks.core.base.errors import RoundFileError
from tasks.core.round.model import Round

WATCH_SECONDS = 3.0
"""The server is asked so often how the runs go."""


def start_rounds(flow: str, rounds: Sequence[Round]) -> dict[str, FlowRun]:
    """Start a flow of each round, and return the flow runs by the names of their deployments.

    Raises:
        RoundFileError: a round is given twice.
        ServiceError: no Prefect server answers, or a deployment is not registered; then none was started.
    """
    names = [f"{flow}/{round_.name}" for round_ in rounds]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RoundFileError(f"{', '.join(twice)} is given twice; a round has one run of a flow at a time")
    with named_if_away():
        _require_deployed(names)
        return {name: cast("FlowRun", run_deployment(name, timeout=0, as_subflow=False)) for name in names}


def watch_rounds(started: dict[str, FlowRun], tell: Callable[[str], object]) -> list[str]:
    """Wait until all the flow runs have ended, telling each change; return those that did not end well.

    Raises:
        ServiceError: the server has gone; the runs go on without it for a while, and end when it is back.
    """
    states: dict[str, State] = {}
    with named_if_away(), get_client(sync_client=True) as client:
        while any(name not in states or not states[name].is_final() for name in started):
            for name, run in started.items():
                state = client.read_flow_run(run.id).state
                if state is not None and (name not in states or states[name].name != state.name):
                    states[name] = state
                    tell(f"{name}: {state.name}" + (f": {state.message}" if state.message else ""))
            time.sleep(WATCH_SECONDS)
    return [name for name, state in states.items() if not state.is_completed()]


def _require_deployed(names: Sequence[str]) -> None:
    missing = []
    with get_client(sync_client=True) as client:
        for name in names:
            try:
                client.read_deployment_by_name(name)
            except ObjectNotFound:
                missing.append(name)
    if missing:
        files = " ".join(f"deployments/rounds/{name.partition('/')[2]}.yaml" for name in missing)
        raise ServiceError(
            f"not deployed: {', '.join(missing)}; nothing was started. Register the rounds: winnow deploy {files}"
        )

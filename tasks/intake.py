"""Labels that arrived, as Prefect knows of them: the event, the round that they start, and the one that waits."""

from datetime import UTC, datetime
from typing import Any, cast

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments import run_deployment
from prefect.events import Event, Resource
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from tasks.core.base.naming.flow_run_names import ROUND_FLOW, flow_run_title
from tasks.core.base.naming.round_names import MAIN_RUN, event_resource
from tasks.core.loop.course import GATE, read_course
from tasks.core.loop.round_samples import judged_sample
from tasks.core.round.model import Round
from tasks.round import evaluation_standing

IMPORTED = "winnow.labels.imported"
AGAIN = " again after "
"""In the key of a flow run, behind this stands the one that broke off before it."""
EARLIEST = datetime.min.replace(tzinfo=UTC)


def tell_import(round_: Round, said: dict[str, Any]) -> str:
    """Tell Prefect's server that labels of a round were imported; return why it could not be told, or ''.

    Nobody needs what the event says: the intake looks at the files.
    """
    resource = {"prefect.resource.id": event_resource(round_.name), "prefect.resource.name": round_.name}
    event = Event(event=IMPORTED, resource=Resource(resource), payload=said)
    try:
        # A person waits: Prefect's client would try for a minute.
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as client:
            client.request("POST", cast("Any", "/events"), json=[event.model_dump(mode="json")])
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def start_round(name: str, key: str, *, came_back: bool = False) -> tuple[FlowRun, bool]:
    """Start a round's deployment, once for a key whatever asks for it again; return the flow run and if it is new.

    What began for the key and broke off is started again, unless a later run is at the round or came to its end. With
    `came_back`, for answers that may have been changed back to those of the key, it is, too, when the last run came to
    its end for others.
    """
    known = rounds_begun(name)
    if any(key_of(run) == key for run in known):
        at_work = [run for run in known if not is_over(run)]
        last = (at_work or known)[-1]
        for_others = came_back and is_over(last) and key_of(last) != key
        if not broke_off(last) and not for_others:
            return last, False
        key = f"{key}{AGAIN}{last.id}"  # of those who see the same run at its end, one starts the next
    called = called_round(name)
    started = run_deployment(f"round/{name}", timeout=0, as_subflow=False, idempotency_key=key, flow_run_name=called)
    return cast("FlowRun", started), True


def broken_off(name: str) -> str | None:
    """Return the key for which a round was begun whose last run broke off; None where none did."""
    known = rounds_begun(name)
    keys = [key for run in known if (key := key_of(run)).startswith(f"{name} ")]
    return keys[-1] if keys and broke_off(known[-1]) else None


def rounds_begun(name: str) -> list[FlowRun]:
    """Return a round's flow runs that the server still knows, the last one last, whoever began them."""
    called = FlowRunFilter(name=FlowRunFilterName(any_=[called_round(name)]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=called, sort=FlowRunSort.EXPECTED_START_TIME_DESC)
    own = [run for run in found if run.parameters.get("run_name", MAIN_RUN) == MAIN_RUN]
    return sorted(own, key=lambda run: run.created or EARLIEST)


def key_of(run: FlowRun) -> str:
    """Return for what a round's flow run was begun: the same for all that were started again for it."""
    return (run.idempotency_key or "").partition(AGAIN)[0]


def is_over(run: FlowRun) -> bool:
    """Say whether nothing more comes of a flow run by itself."""
    return run.state is not None and run.state.is_final()


def broke_off(run: FlowRun) -> bool:
    """Say whether a flow run ended otherwise than at an end that a round has."""
    return is_over(run) and run.state is not None and not run.state.is_completed()


def called_round(name: str) -> str:
    """Return how flow runs of a round are called."""
    return flow_run_title(ROUND_FLOW, name, {})


def news_for(round_: Round, run_name: str) -> str | None:
    """Return what a round's evaluation would follow from now, where it waits for labels and some came since."""
    record = read_course(round_, run_name).record_of(GATE)
    if record is None or record.state != "waits":
        return None
    inputs = evaluation_standing(round_, judged_sample(round_), run_name).inputs
    return None if inputs == record.inputs else inputs

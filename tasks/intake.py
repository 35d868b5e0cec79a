"""Labels that arrived, as Prefect knows of them: the event, the round that they start, and the one that waits."""

from typing import Any, cast

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.events import Event, Resource
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from tasks.core.base.naming import event_resource
from tasks.core.loop.course import GATE, read_course
from tasks.core.loop.round_samples import judged_sample
from tasks.core.round.model import Round
from tasks.round import evaluation_standing

IMPORTED = "winnow.labels.imported"


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


def start_round(name: str, key: str) -> tuple[FlowRun, bool]:
    """Start a round's deployment, once for a key whatever asks for it again; return the flow run and if it is new."""
    with get_client(sync_client=True) as client:
        same = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key]))
        known = client.read_flow_runs(flow_run_filter=same, limit=1)
    if known:
        return known[0], False
    called = f"{name} round"
    started = run_deployment(f"round/{name}", timeout=0, as_subflow=False, idempotency_key=key, flow_run_name=called)
    return cast("FlowRun", started), True


def news_for(round_: Round, run_name: str) -> str | None:
    """Return what a round's evaluation would follow from now, where it waits for labels and some came since."""
    record = read_course(round_, run_name).record_of(GATE)
    if record is None or record.state != "waits":
        return None
    inputs = evaluation_standing(round_, judged_sample(round_), run_name).inputs
    return None if inputs == record.inputs else inputs

"""Where a flow run's results lie: on the run from its start, and below everything else that it leaves in Prefect's UI.

A flow run of Prefect has no description of its own, so an artifact of the run says it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runtime import flow_run

from tasks.core.base.markdown import listed
from tasks.core.base.naming.artifact_names import LINKS_ARTIFACT, LINKS_BEGIN, artifact_key
from tasks.core.base.naming.work_places import report_page
from tasks.core.round.model import Round
from tasks.records.pages import model_page, runs_page
from tasks.story import flow_run_above, warn

MLFLOW, FOLDER = "MLflow", "folder"
"""What is called the one, or has the other in its name, stands below each artifact."""
SHOWN_MODELS = 8


@dataclass
class Links:
    """The places of a flow run, in the order in which a person reads them."""

    artifact: UUID
    places: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """Return MLflow's page and the folders on a line."""
        shown = [f"{what}: {place}" for what, place in self.places.items() if what == MLFLOW or FOLDER in what]
        return LINKS_BEGIN + ", ".join(shown) if shown else ""


def text_of(places: dict[str, str]) -> str:
    """Return the places as a page."""
    return listed([f"{what}: {place}" for what, place in places.items()])


_OF_RUN: dict[str, Links] = {}
"""The links of the flow runs of this process."""


def leave_on_run(flow_run_id: str | None, kind: str, key: str, data: object, description: str | None = None) -> UUID:
    """Leave an artifact on a flow run, and return its id."""
    run = None if flow_run_id is None else UUID(flow_run_id)
    with get_client(sync_client=True) as client:
        asked = ArtifactCreate(type=kind, key=key, data=data, description=description, flow_run_id=run)
        return client.create_artifact(asked).id


def begin_links(round_: Round) -> None:
    """Leave on the flow run at work what is known of its places from the start."""
    models = [round_.registered_model(label) for label in round_.active_labels][:SHOWN_MODELS]
    places = {
        MLFLOW: runs_page(round_.name),
        "models": ", ".join(map(model_page, models)),
        "report": f"`{report_page(round_.work_path, round_.name)}`",
    }
    places = {what: place for what, place in places.items() if place}
    key = artifact_key(str(flow_run.name), LINKS_ARTIFACT)
    about = f"Where {flow_run.name} leaves what it makes"
    own = str(flow_run.id)
    _OF_RUN[own] = Links(leave_on_run(own, "markdown", key, text_of(places), about), places)


def add_link(what: str, place: str | Path) -> None:
    """Add a place to the links of the flow run at work: a path, or an address as Markdown writes it.

    Where Prefect's server does not take it, the log says so, and the work goes on.
    """
    links = _links_here()
    if links is None:
        return
    links.places[what] = f"`{place}`" if isinstance(place, Path) else place
    try:
        with get_client(sync_client=True) as client:
            client.update_artifact(links.artifact, ArtifactUpdate(data=text_of(links.places)))
    except (httpx.HTTPError, PrefectHTTPStatusError) as away:
        warn(f"Prefect's page of links lacks {what}, {place}: {away!r}")


def links_below() -> str:
    """Return the paragraph that stands below what the flow run at work leaves; '' where it has no links."""
    links = _links_here()
    line = "" if links is None else links.line()
    return f"\n\n{line}" if line else ""


def _links_here() -> Links | None:
    """Return the links of the flow run at work, or of the one that began it."""
    own = str(flow_run.id)
    return _OF_RUN[own] if own in _OF_RUN else _OF_RUN.get(str(flow_run_above())) if _OF_RUN else None

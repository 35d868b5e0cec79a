"""Register a round's flows as deployments of the process work pool."""

from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger, ResourceSpecification
from prefect.exceptions import ObjectAlreadyExists
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from deployments.intake import intake
from deployments.prefect_server import named_if_away
from flows.conversion import conversion
from flows.distillation import distillation
from flows.evaluation import evaluation
from flows.inference import inference
from flows.pretraining import pretraining
from flows.publishing import publishing
from flows.round import whole_round
from flows.round_flow import tags_of
from flows.sampling import sampling
from flows.training import training
from infra.clusters.profiles import read_profile
from infra.services.settings import WORK_POOL
from tasks.core.base.naming.round_names import event_resource
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.intake import IMPORTED

FLOWS: tuple[Flow[..., Any], ...] = (training, conversion, inference, sampling, evaluation, whole_round)


def deploy_round(round_file: Path) -> list[str]:
    """Check the round file, register its flows as `training/<round>` and so on, and return those names.

    `distillation/<round>`, `publishing/<round>` and `pretraining/<country>` are registered by a round that has that
    section; of the latter, the last one deployed stands. So is `intake/<round>` by one with the section `retraining`,
    with what starts it.

    Raises:
        RoundFileError: the file cannot be used.
        ClusterError: it names a cluster profile that cannot be used.
        ServiceError: no Prefect server answers, or not with this password.
    """
    round_file = round_file.resolve()
    round_ = read_round(round_file)
    for profile in set(round_.clusters.model_dump().values()):
        read_profile(profile)
    _ensure_work_pool()
    deployments = _deployments(round_)
    for flow, name in deployments:
        deployment = cast(
            "RunnerDeployment",
            flow.to_deployment(
                name=name,
                parameters={"round_file": str(round_file)},
                tags=tags_of(round_, flow.name),
                work_pool_name=WORK_POOL,
                # A path entrypoint would load the flow's file as a top-level module that Dask workers do not have.
                entrypoint_type=EntrypointType.MODULE_PATH,
                **(_begun_by(round_) if flow is intake else {}),
            ),
        )
        deployment.apply()
    return [f"{flow.name}/{name}" for flow, name in deployments]


def _deployments(round_: Round) -> list[tuple[Flow[..., Any], str]]:
    """Return the round's flows with the names of their deployments."""
    named: list[tuple[Flow[..., Any], str]] = [(flow, round_.name) for flow in FLOWS]
    named += [] if round_.distillation is None else [(distillation, round_.name)]
    named += [] if round_.retraining is None else [(intake, round_.name)]
    named += [] if round_.publishing is None else [(publishing, round_.name)]
    return named if round_.pretraining is None else [*named, (pretraining, round_.country.lower())]


def _begun_by(round_: Round) -> dict[str, Any]:
    """Return what starts a round's intake: an import of its labels, and a schedule where the round has one.

    The run gets the deployment's own parameters: what an event says may be lost on its way.
    """
    imported = DeploymentEventTrigger(
        name=f"labels of {round_.name} were imported",
        description="Starts the next round, once for a snapshot of labels",
        expect={IMPORTED},
        match=ResourceSpecification({"prefect.resource.id": event_resource(round_.name)}),
    )
    section = round_.retraining
    if section is None or section.cron is None:
        return {"triggers": [imported]}
    return {"triggers": [imported], "schedules": [Cron(section.cron, timezone=section.timezone)]}


def _ensure_work_pool() -> None:
    with named_if_away(), get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process"))

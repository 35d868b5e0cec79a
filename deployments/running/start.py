"""Start a flow of several rounds through their deployments; where one is not deployed, none is started."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from deployments.commands.round_folders import find_round
from deployments.prefect_server import named_if_away
from deployments.running.parameters import read_parameters
from infra.errors import ServiceError
from tasks.core.base.errors import RoundFileError
from tasks.core.base.naming.flow_run_names import flow_run_title
from tasks.core.round.model import Round

FLOWS = (
    "pretraining",
    "training",
    "conversion",
    "distillation",
    "inference",
    "sampling",
    "evaluation",
    "publishing",
    "round",
)


@dataclass(frozen=True)
class Started:
    """A flow of a round, at work as a flow run."""

    flow: str
    round_: Round
    typed: str
    """A person names the round so: by its name or its file."""
    run: FlowRun
    given: tuple[str, ...] = ()
    """These parameters were typed, as `key=value`."""

    @property
    def deployment(self) -> str:
        """The name by which it was started."""
        return deployment_name(self.flow, self.round_)

    @property
    def command(self) -> str:
        """What a person types to run it again."""
        return shlex.join(
            ["winnow", "run", self.flow, self.typed, *(word for one in self.given for word in ("-p", one))]
        )


def deployment_name(flow: str, round_: Round) -> str:
    """Return the name under which a round's flow is registered: a pretraining belongs to the country."""
    return f"{flow}/{round_.country.lower() if flow == 'pretraining' else round_.name}"


def start_rounds(flow: str, typed: Sequence[str], given: Sequence[str] = ()) -> list[Started]:
    """Start a flow of each round, named or by its file, with parameters as `key=value`.

    Raises:
        RoundFileError: there is no such flow or round, one is given twice, or a parameter is not one of the flow's.
        ServiceError: no Prefect server answers, or a deployment is not registered; then none was started.
    """
    if flow not in FLOWS:
        raise RoundFileError(f"there is no flow '{flow}'; there are: {', '.join(FLOWS)}")
    rounds = [find_round(name) for name in typed]
    names = [deployment_name(flow, round_) for round_ in rounds]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RoundFileError(f"{', '.join(twice)} is given twice; a round has one run of a flow at a time")
    with named_if_away():
        with get_client(sync_client=True) as client:
            found = _find_deployments(client, names)
        schemas = {name: one.parameter_openapi_schema or {} for name, one in found.items()}
        parameters = {name: read_parameters(given, schema, name) for name, schema in schemas.items()}
        return [
            Started(flow, round_, word, _start(name, round_, parameters[name]), tuple(given))
            for name, round_, word in zip(names, rounds, typed, strict=True)
        ]


def _find_deployments(client: SyncPrefectClient, names: Sequence[str]) -> dict[str, DeploymentResponse]:
    found, missing = {}, []
    for name in names:
        try:
            found[name] = client.read_deployment_by_name(name)
        except ObjectNotFound:
            missing.append(name)
    if missing:
        files = " ".join(f"deployments/rounds/{name.partition('/')[2]}.yaml" for name in missing)
        raise ServiceError(
            f"not deployed: {', '.join(missing)}; nothing was started. Register the rounds: winnow deploy {files}"
        )
    return found


def _start(name: str, round_: Round, parameters: dict[str, Any]) -> FlowRun:
    """Start a deployment; the run has from the first the name that its flow gives it later."""
    called = flow_run_title(name.partition("/")[0], round_.name, parameters)
    return cast(
        "FlowRun", run_deployment(name, parameters=parameters, timeout=0, as_subflow=False, flow_run_name=called)
    )

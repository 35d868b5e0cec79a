"""`winnow rerun`: say what failed in a run and why, then start its flow again on exactly those shards."""

from pathlib import Path
from typing import Any

from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from infra.errors import ServiceError
from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming.run_names import parse_run_folder_name
from tasks.core.runs.open_run import continue_command, is_of_seeds, open_run
from tasks.core.runs.resources import read_resources
from tasks.core.runs.status.read_status import RunStatus


def rerun(status: RunStatus, changes: dict[str, Any]) -> str:
    """Start the run's deployment on what is left of the run, with these `changes`; return the flow run's name.

    It gets the cluster, memory and time of the last launch but for the changes.
    A resumed run scores the shards that have no receipt, and no others; it fails where models or inputs are no longer
    the run's.

    Raises:
        RunFolderError: there is nothing to run again, or a launch is at work.
        ServiceError: the round's deployment is not registered.
    """
    _require_work(status)
    plan, folder = open_run(Path(status.run_folder))
    name = parse_run_folder_name(folder.path.name)
    if name is None or not plan.round_name:
        raise RunFolderError(f"{folder.path} does not say which round it is of; run its inference deployment by hand")
    if is_of_seeds(plan):
        raise RunFolderError(f"seeds score {folder.path} for a student; run: {continue_command(plan, folder)}")
    given = {"sample": plan.sample_name, "run_name": name.run_name, "limit": plan.inputs.limit, "run_id": plan.run_id}
    chosen = {key: value for key, value in (given | changes).items() if value is not None}
    parameters = read_resources(folder) | chosen
    deployment = f"inference/{plan.round_name}"
    try:
        started: Any = run_deployment(deployment, parameters=parameters, timeout=0, as_subflow=False)
    except ObjectNotFound:
        raise ServiceError(
            f"there is no deployment {deployment}; register it: winnow deploy deployments/rounds/{plan.round_name}.yaml"
        ) from None
    return str(started.name)


def _require_work(status: RunStatus) -> None:
    if status.is_finished:
        raise RunFolderError(f"{status.run_folder} is finished; there is nothing to run again")
    if status.launch is not None and not status.launch.is_gone:
        raise RunFolderError(
            f"a launch is at work on {status.run_folder}: process {status.launch.pid} on {status.launch.host}. Wait "
            "until it ends or cancel its flow run, then try again."
        )
